// Parsers: each converts a setting's text into a value, or says what is wrong. Flags, environment,
// file, [[processors]] and the flags of reconcile share them.
//
// A parser does not change the value if the text is wrong. The problem's text follows the setting's
// text or its name.
//
// Thread: pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tollgate/base/duration.h"
#include "tollgate/forward/cutoff.h"
#include "tollgate/table/durability.h"

namespace tollgate::config {

// What is wrong with a text, for people. Empty if the text is valid.
using Problem = std::optional<std::string>;
template <typename T>
using Parser = std::function<Problem(const std::string& text, T& value)>;

Problem ReadText(const std::string& text, std::string& value);
Problem ReadSwitch(const std::string& text, bool& value);
// Accepts what net::ParseAddress accepts. An empty text means none.
Problem ReadAddress(const std::string& text, std::string& address);
Problem ReadLogLevel(const std::string& text, std::string& level);
// "2025-07-15T17:00:00Z", or "17:00" for every day. An empty text means never.
Problem ReadCutoff(const std::string& text, forward::Cutoff& cutoff);
Problem ReadDurability(const std::string& text, table::Durability& durability);
// A list with commas between. An empty text means none.
Problem ReadList(const std::string& text, std::vector<std::string>& list);
// The number of buckets in a shelf of booked ids: a power of two.
Problem ReadBuckets(const std::string& text, size_t& buckets);

// `complaint`, if not empty, is the problem's text for a value out of bounds.

// A whole number from `least` to `most`.
Parser<size_t> Count(size_t least, size_t most, std::string complaint = "");
// A share of the amount such as "0.05", in parts per million.
Parser<int64_t> Share(std::string complaint = "");

inline constexpr std::chrono::nanoseconds kLongestTime{base::kDurationSettingNsMax};
// A duration, in whole milliseconds, microseconds or seconds.
Parser<int64_t> Millis(std::chrono::nanoseconds least = std::chrono::milliseconds(1),
                       std::chrono::nanoseconds most = kLongestTime, std::string complaint = "");
Parser<int64_t> Micros(std::chrono::nanoseconds least,
                       std::chrono::nanoseconds most = kLongestTime);
Parser<int64_t> Seconds(std::chrono::nanoseconds least);

// For an empty text the value does not change.
template <typename Parse>
auto OrEmpty(Parse parse) {
  return [parse](const std::string& text, auto& value) -> Problem {
    return text.empty() ? Problem{} : parse(text, value);
  };
}

// Applies a setting's text to an `Owner`, such as Config.
template <typename Owner>
using Apply = std::function<Problem(Owner& owner, const std::string& text)>;

template <typename Owner, typename First, typename... Rest>
auto& MemberOf(Owner& owner, First Owner::*first, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return owner.*first;
  } else {
    return MemberOf(owner.*first, rest...);
  }
}

// Assign(Count(1, 64), &Config::server, &ServerOptions::pipeline_max) parses into
// config.server.pipeline_max.
template <typename Parse, typename Owner, typename First, typename... Rest>
Apply<Owner> Assign(Parse parse, First Owner::*first, Rest... rest) {
  return [=](Owner& owner, const std::string& text) -> Problem {
    return parse(text, MemberOf(owner, first, rest...));
  };
}

}  // namespace tollgate::config

#include "config/parsers.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "tollgate/base/logging.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/address.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::config {
namespace {

using std::chrono::nanoseconds;

// Accepts only if all of the text is a number.
template <typename T>
bool ReadNumber(const std::string& text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

struct TimeBounds {
  nanoseconds unit, least, most;
  std::string complaint;  // empty: name the bound that was broken
};

Problem OutOfBounds(int64_t nanos, const TimeBounds& bounds) {
  const auto at_most = [](nanoseconds most) {
    return "must be at most " + base::FormatDuration(most.count());
  };
  if (nanos < bounds.least.count()) {
    return "must be at least " + base::FormatDuration(bounds.least.count());
  }
  if (nanos > kLongestTime.count()) return at_most(kLongestTime);
  if (nanos / bounds.unit.count() > bounds.most / bounds.unit) return at_most(bounds.most);
  return std::nullopt;
}

Parser<int64_t> Time(const TimeBounds& bounds) {
  return [bounds](const std::string& text, int64_t& value) -> Problem {
    const auto nanos = base::ParseDuration(text);
    if (!nanos.ok()) return nanos.error().message;
    Problem problem = OutOfBounds(nanos.value(), bounds);
    if (problem && !bounds.complaint.empty()) return bounds.complaint;
    if (!problem) value = nanos.value() / bounds.unit.count();
    return problem;
  };
}

}  // namespace

Problem ReadText(const std::string& text, std::string& value) {
  value = text;
  return std::nullopt;
}

Problem ReadSwitch(const std::string& text, bool& value) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    value = true;
  } else if (text == "false" || text == "0" || text == "no" || text == "off") {
    value = false;
  } else {
    return "must be true or false";
  }
  return std::nullopt;
}

Problem ReadAddress(const std::string& text, std::string& address) {
  if (!text.empty()) {
    const auto parsed = net::ParseAddress(text);
    if (!parsed.ok()) return parsed.error().message;
  }
  address = text;
  return std::nullopt;
}

Problem ReadLogLevel(const std::string& text, std::string& level) {
  if (!base::IsLogLevel(text)) {
    return "must be trace, debug, info, warning, error, critical or off";
  }
  level = text;
  return std::nullopt;
}

Problem ReadCutoff(const std::string& text, forward::Cutoff& cutoff) {
  if (text.empty()) return std::nullopt;
  // Any date will do for a time of day.
  const bool daily = text.size() == 5;
  const std::string whole = daily ? "1970-01-01T" + text + ":00Z" : text;
  const auto at_ms = payments::ParseTimestampMillis(whole, payments::Rounding::kDown);
  if (!at_ms.ok()) {
    return "must be a time such as 2025-07-15T17:00:00Z, or 17:00 for every day in UTC: " +
           at_ms.error().message;
  }
  cutoff = {.at_ms = at_ms.value(), .daily = daily};
  return std::nullopt;
}

Problem ReadDurability(const std::string& text, table::Durability& durability) {
  if (text == "memory") {
    durability = table::Durability::kMemory;
  } else if (text == "process") {
    durability = table::Durability::kProcess;
  } else if (text == "disk") {
    durability = table::Durability::kDisk;
  } else {
    return "must be memory, process or disk";
  }
  return std::nullopt;
}

Problem ReadList(const std::string& text, std::vector<std::string>& list) {
  list.clear();
  for (size_t from = 0; !text.empty() && from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    if (comma == from) return "must be texts with commas between, none of them empty";
    list.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return std::nullopt;
}

Problem ReadBuckets(const std::string& text, size_t& buckets) {
  size_t number = 0;
  Problem problem = Count(ledger::kBucketsMin, ledger::kBucketsMax)(text, number);
  if (!problem && !std::has_single_bit(number)) problem = "must be a power of two, such as 65536";
  if (!problem) buckets = number;
  return problem;
}

Parser<size_t> Count(size_t least, size_t most, std::string complaint) {
  if (complaint.empty()) {
    complaint =
        "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  }
  return [=](const std::string& text, size_t& value) -> Problem {
    size_t number = 0;
    if (!ReadNumber(text, number) || number < least || number > most) return complaint;
    value = number;
    return std::nullopt;
  };
}

Parser<int64_t> Share(std::string complaint) {
  if (complaint.empty()) {
    complaint = "must be a share of the amount from 0 to 1, such as 0.05";
  }
  return [=](const std::string& text, int64_t& share_ppm) -> Problem {
    double share = -1;
    if (!ReadNumber(text, share) || !(share >= 0 && share <= 1)) return complaint;
    share_ppm = std::llround(share * 1e6);
    return std::nullopt;
  };
}

Parser<int64_t> Millis(nanoseconds least, nanoseconds most, std::string complaint) {
  return Time({std::chrono::milliseconds(1), least, most, std::move(complaint)});
}

Parser<int64_t> Micros(nanoseconds least, nanoseconds most) {
  return Time({std::chrono::microseconds(1), least, most, ""});
}

Parser<int64_t> Seconds(nanoseconds least) {
  return Time({std::chrono::seconds(1), least, kLongestTime, ""});
}

}  // namespace tollgate::config

// Durations in the syntax of Go's time.ParseDuration: "500ms", "1m30s", "+1.5h", "-.5s". Units: ns,
// us (also µs, with the micro sign or the Greek letter), ms, s, m, h.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"

namespace tollgate::base {

// The longest duration of a setting or a flag. The sum of a few such durations and a clock in
// nanoseconds fits 64 bits.
inline constexpr int64_t kDurationSettingNsMax = 10'000 * int64_t{3'600'000'000'000};

// Returns nanoseconds and drops fractions of one. "0" needs no unit. The result may be negative, so
// callers check the range. The error says what is wrong, in words that follow the setting's name or
// its text.
Result<int64_t> ParseDuration(std::string_view text);
// The whole number of the largest unit that fits: 1500 ms is "1500ms", 60 s is "1m".
std::string FormatDuration(int64_t nanos);
// "90 s", "5 min", "3 h", "2 days": rounded down, for people.
std::string RoughTime(int64_t seconds);

}  // namespace tollgate::base

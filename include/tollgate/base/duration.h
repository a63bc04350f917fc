// Durations as Go's time.ParseDuration reads them: "500ms", "1m30s", "+1.5h", "-.5s". Units: ns, us
// (µs with either of Unicode's two letters), ms, s, m, h.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"

namespace tollgate::base {

// The longest that a setting or a flag may be. Sums of a few and a clock in nanoseconds fit 64
// bits.
inline constexpr int64_t kDurationSettingNsMax = 10'000 * int64_t{3'600'000'000'000};

// To nanoseconds, parts of one left out; within some 290 years. "0" needs no unit. Callers say
// themselves how short one may be: it may be less than zero. The error's text tells what is wrong,
// in words that follow the text or its name.
Result<int64_t> ParseDuration(std::string_view text);
// The shortest whole form: 1500 ms is "1500ms", 60 s is "1m".
std::string FormatDuration(int64_t nanos);
// "90 s", "5 min", "3 h", "2 days": rounded down, for people.
std::string RoughTime(int64_t seconds);

}  // namespace tollgate::base

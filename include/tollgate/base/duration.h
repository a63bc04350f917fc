// Durations as Go writes them: "500ms", "1m30s", "1.5h". Units: ns, us (µs), ms, s, m, h.
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

// To nanoseconds; not negative, at most some 290 years. "0" needs no unit.
Result<int64_t> ParseDuration(std::string_view text);
// The shortest whole form: 1500 ms is "1500ms", 60 s is "1m".
std::string FormatDuration(int64_t nanos);

}  // namespace tollgate::base

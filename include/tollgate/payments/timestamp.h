// Timestamps: RFC 3339 text to milliseconds and back. Also microseconds, which processors keep.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"

namespace tollgate::payments {

enum class Rounding : uint8_t { kUp, kDown };
enum class Zone : uint8_t {
  kRequired,     // "Z" or a numeric offset must follow the time
  kUtcIfAbsent,  // the processors' GET /payments/{id} omits the zone
};

// Parses an RFC 3339 date-time with any number of decimals. Returns milliseconds since 1970 in UTC,
// negative before. Decimals beyond that are rounded by `rounding`. Years 0000 to 9999. A leap
// second (23:59:60 UTC on the last day of a month) counts as the first moment of the next day. The
// error says which part is wrong and what it must be: "the month must be 01 to 12".
base::Result<int64_t> ParseTimestampMillis(std::string_view text, Rounding rounding,
                                           Zone zone = Zone::kRequired);

// As ParseTimestampMillis, in microseconds.
base::Result<int64_t> ParseTimestampMicros(std::string_view text, Rounding rounding,
                                           Zone zone = Zone::kRequired);

inline constexpr size_t kTimestampTextBytes = 24;
// Writes "2025-07-15T12:34:56.123Z", 24 characters. Times outside the years 0000 to 9999 become
// their first or last moment.
void FormatTimestampMillis(int64_t unix_ms, char* out);
std::string TimestampToString(int64_t unix_ms);

}  // namespace tollgate::payments

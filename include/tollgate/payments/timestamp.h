// Points in time as text: RFC 3339 in, milliseconds out; microseconds, as processors keep them.
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
  kRequired,     // "Z" or a numeric offset must stand at the end
  kUtcIfAbsent,  // the processors' GET /payments/{id} leaves it out
};

// RFC 3339 date-time with any number of decimals; to milliseconds since 1970 in UTC, less than zero
// before, rounded as told. Years 0000 to 9999. A leap second (23:59:60 UTC on the last day of a
// month) is taken as the first moment of the next day. The error's text tells which part is wrong
// and what it must be: "the month must be 01 to 12".
base::Result<int64_t> ParseTimestampMillis(std::string_view text, Rounding rounding,
                                           Zone zone = Zone::kRequired);

// The same in microseconds.
base::Result<int64_t> ParseTimestampMicros(std::string_view text, Rounding rounding,
                                           Zone zone = Zone::kRequired);

inline constexpr size_t kTimestampTextBytes = 24;
// Writes "2025-07-15T12:34:56.123Z"; 24 characters. What lies beyond the years 0000 to 9999 becomes
// their first or last moment.
void FormatTimestampMillis(int64_t unix_ms, char* out);
std::string TimestampToString(int64_t unix_ms);

}  // namespace tollgate::payments

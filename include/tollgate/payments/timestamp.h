// Points in time as text: RFC 3339 in, milliseconds out; microseconds, as processors keep them.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::payments {

enum class Rounding : uint8_t { kUp, kDown };
enum class Zone : uint8_t {
  kRequired,     // "Z" or a numeric offset must stand at the end
  kUtcIfAbsent,  // the processors' GET /payments/{id} leaves it out
};

// RFC 3339 date-time with up to nine decimals; to milliseconds since 1970 in UTC, rounded as told.
// Years 1970 to 9999. A leap second (":60") is taken as the first moment of the next minute.
std::optional<int64_t> ParseTimestampMillis(std::string_view text, Rounding rounding,
                                            Zone zone = Zone::kRequired);

// The same in microseconds.
std::optional<int64_t> ParseTimestampMicros(std::string_view text, Rounding rounding,
                                            Zone zone = Zone::kRequired);

inline constexpr size_t kTimestampTextBytes = 24;
// Writes "2025-07-15T12:34:56.123Z"; 24 characters. REQUIRES: 0 <= unix_ms < year 10000.
void FormatTimestampMillis(int64_t unix_ms, char* out);
std::string TimestampToString(int64_t unix_ms);

}  // namespace tollgate::payments

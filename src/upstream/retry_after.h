// Retry-After: how long a server asks its clients to wait (RFC 9110 section 10.2.3), in seconds or
// until a date.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace tollgate::upstream {

struct RetryAfter {
  enum class Kind : uint8_t { kNone, kSeconds, kDate };
  Kind kind = Kind::kNone;
  int64_t seconds = 0;  // from now, or since 1970
};

// Parses the header's value. kNone if it is neither a number nor a date. The two date formats that
// have been obsolete since 1997 are kNone too.
RetryAfter ParseRetryAfter(std::string_view value);

// The wait in milliseconds, clamped to 0 .. kRetryAfterMsMax. `wall_ms` is the time now.
int64_t RetryAfterMs(const RetryAfter& it, int64_t wall_ms);

}  // namespace tollgate::upstream

// Retry-After: for how long a server wants to be left alone (RFC 9110 section 10.2.3), in seconds
// or until a date.
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

// The value of the header. What is neither is kNone, and so are dates in the two formats that have
// been obsolete since 1997.
RetryAfter ParseRetryAfter(std::string_view value);

// From 0 to kRetryAfterMsMax, whatever was said. `wall_ms` is now.
int64_t RetryAfterMs(const RetryAfter& it, int64_t wall_ms);

}  // namespace tollgate::upstream

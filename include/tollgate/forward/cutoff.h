// Cutoff: the time after which a payment that is not booked is worth nothing. It is once, every
// day, or never (the default).
//
// Thread: a value type.
#pragma once

#include <cstdint>

namespace tollgate::forward {

struct Cutoff {
  int64_t at_ms = INT64_MAX;  // Unix, or since midnight UTC if daily
  bool daily = false;
  // Milliseconds until the next cutoff. kNever if there is none.
  int64_t LeftMs(int64_t wall_ms) const;
};

}  // namespace tollgate::forward

// Cutoff: when what is not booked is worth nothing: once, or every day; by default never.
//
// Thread: a value type.
#pragma once

#include <cstdint>

namespace tollgate::forward {

struct Cutoff {
  int64_t at_ms = INT64_MAX;  // Unix, or since midnight UTC if daily
  bool daily = false;
  // Until the next one; kNever if there is none.
  int64_t LeftMs(int64_t wall_ms) const;
};

}  // namespace tollgate::forward

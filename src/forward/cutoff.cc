#include "tollgate/forward/cutoff.h"

#include "tollgate/forward/policy.h"

namespace tollgate::forward {

int64_t Cutoff::LeftMs(int64_t wall_ms) const {
  constexpr int64_t kDayMs = 24 * 3600 * 1000;
  if (at_ms == INT64_MAX) return kNever;
  if (daily) return (at_ms - wall_ms % kDayMs + kDayMs) % kDayMs;
  return at_ms > wall_ms ? at_ms - wall_ms : kNever;  // past: nothing can be saved any more
}

}  // namespace tollgate::forward

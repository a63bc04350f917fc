// Backoff: how long to wait before the next try. The first delay is min_ms; each further failure
// doubles it, up to max_ms; a success resets it. WithJitter spreads the tries of many (M. Brooker,
// "Exponential Backoff And Jitter", 2015).
//
// Thread: one at a time.
// Invariants: one byte, so that every attempt can have its own; the range is the caller's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tollgate/base/random.h"

namespace tollgate::base {

// REQUIRES: 0 <= min_ms <= max_ms < 2^47.
struct BackoffRange {
  int64_t min_ms;
  int64_t max_ms;
};

class Backoff {
 public:
  // Counts a failure, and returns the delay before the next try.
  int64_t NextMs(const BackoffRange& range) {
    const int64_t delay_ms = DelayMs(range);
    CountFailure();
    return delay_ms;
  }
  // min_ms, doubled once per failure, at most max_ms.
  int64_t DelayMs(const BackoffRange& range) const {
    return std::min(range.max_ms, range.min_ms << failures_);
  }
  void CountFailure() {
    if (failures_ < kFailuresMax) ++failures_;
  }
  void Reset() { failures_ = 0; }
  uint8_t failures() const { return failures_; }  // since the last reset, at most kFailuresMax

  static constexpr uint8_t kFailuresMax = 16;

 private:
  uint8_t failures_ = 0;
};

static_assert(sizeof(Backoff) == 1);

// About that delay: half of it is fixed, half random, so that those that failed together do not
// come back together.
inline int64_t WithJitter(int64_t delay_ms, Random& random) {
  const int64_t half_ms = delay_ms / 2;
  return half_ms + static_cast<int64_t>(random.Below(static_cast<uint64_t>(half_ms + 1)));
}

}  // namespace tollgate::base

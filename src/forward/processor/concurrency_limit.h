// ConcurrencyLimit: how many payments may be in flight at a processor, and how many are. A wave of
// 429 halves the limit; as many successes as it allows at once raise it by an eighth (additive
// increase, multiplicative decrease, as in TCP's congestion control).
//
// Thread: one worker's.
// Invariants: 1 <= cap() <= the maximum.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::forward {

class ConcurrencyLimit {
 public:
  // REQUIRES (also for SetMax): max > 0.
  explicit ConcurrencyLimit(uint32_t max) : max_(max), cap_(max) { TG_ASSERT(max > 0); }

  // Sets another maximum. A limit that 429 has lowered is not raised.
  void SetMax(uint32_t max) {
    TG_ASSERT(max > 0);
    const bool at_max = cap_ == max_;
    max_ = max;
    cap_ = at_max ? max_ : std::min(cap_, max_);
  }

  void Take() { ++in_flight_; }
  void GiveBack() {
    TG_ASSERT(in_flight_ > 0);
    --in_flight_;
  }
  bool full() const { return in_flight_ >= cap_; }
  uint32_t in_flight() const { return in_flight_; }
  uint32_t cap() const { return cap_; }

  void OnSuccess() {
    if (cap_ >= max_ || ++successes_ < cap_) return;
    cap_ = std::min(max_, cap_ + std::max(1U, cap_ / 8));
    successes_ = 0;
  }
  // A 429: successes are counted from 0 again.
  void OnRefusal() { successes_ = 0; }
  // A 429 for a payment that was sent at `sent_ns`; both times are monotonic. It begins a new wave
  // and halves the limit if the payment was sent since the last wave began, and that was at least
  // 100 ms ago. True if so.
  bool BeginWave(int64_t sent_ns, int64_t now_ns) {
    constexpr int64_t kOncePerNs = 100 * base::kNanosPerMilli;
    if (wave_ns_ != 0 && (sent_ns < wave_ns_ || now_ns - wave_ns_ < kOncePerNs)) return false;
    wave_ns_ = now_ns;
    cap_ = std::max(1U, cap_ / 2);
    return true;
  }

 private:
  uint32_t max_;  // of cap_
  uint32_t cap_;
  uint32_t in_flight_ = 0;
  uint32_t successes_ = 0;  // since the last 429, or since cap_ last changed
  int64_t wave_ns_ = 0;     // when the last wave of 429 began
};

}  // namespace tollgate::forward

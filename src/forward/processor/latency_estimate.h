// LatencyEstimate: how long a payment that is sent now is likely to take. That is the median of the
// last answers, or the delay that health states if health is newer, or the time since the last
// answer if that is longer.
//
// Thread: one worker's.
// Invariants: an answer describes the time when its payment was sent; an answer is not counted if a
// newer payment was answered before it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::forward {

// The median of the last 32 values. Add is O(1); the median is computed when it is asked for.
class LatencyWindow {
 public:
  void Add(int64_t value_us) {
    values_[count_ % kSize] = value_us;
    ++count_;
    stale_ = true;
  }
  void Clear() { count_ = 0; }
  bool empty() const { return count_ == 0; }
  int64_t MedianUs() const;  // 0 if empty

 private:
  static constexpr size_t kSize = 32;
  std::array<int64_t, kSize> values_{};
  size_t count_ = 0;
  mutable int64_t median_us_ = 0;
  mutable bool stale_ = false;
};

// All times are monotonic nanoseconds.
class LatencyEstimate {
 public:
  // Takes the health in the fleet's snapshot.
  void OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns);
  // A payment was answered after `duration_us`.
  void OnDuration(int64_t duration_us, int64_t now_ns);
  // A POST was sent, or has ended. The time between counts as silence unless another POST is
  // answered.
  void OnSent(int64_t now_ns) {
    if (sent_++ == 0) unanswered_ns_ = now_ns;
  }
  void OnEnded(bool answered, int64_t now_ns) {
    TG_ASSERT(sent_ > 0);
    --sent_;
    if (answered) unanswered_ns_ = now_ns;
  }

  // The estimate for a payment that is sent now.
  int64_t Ms(int64_t now_ns) const { return std::max(KnownMs(), SilentMs(now_ns)); }
  // The average over the last minutes.
  int64_t UsualMs() const { return static_cast<int64_t>(usual_us_ / 1000); }
  // Positive: it has not answered for longer than usual, and counts as stalled unless it answers
  // within so many milliseconds. 0: it answers as usual, or is stalled already.
  int64_t PauseLeftMs(int64_t now_ns) const {
    constexpr int64_t kPauseMs = 20;
    const int64_t silent_ms = SilentMs(now_ns);
    if (silent_ms <= kPauseMs + 2 * KnownMs()) return 0;
    return std::max<int64_t>(0, StalledAfterMs() + 1 - silent_ms);
  }
  // True if it has not answered for much longer than usual, so its latency is not known.
  bool Stalled(int64_t now_ns) const { return SilentMs(now_ns) > StalledAfterMs(); }

 private:
  int64_t KnownMs() const { return window_.empty() ? stated_ms_ : window_.MedianUs() / 1000; }
  int64_t StalledAfterMs() const {
    constexpr int64_t kPatienceMs = 150;
    return kPatienceMs + 2 * KnownMs();
  }
  int64_t SilentMs(int64_t now_ns) const {
    return sent_ == 0 ? 0 : (now_ns - unanswered_ns_) / base::kNanosPerMilli;
  }

  LatencyWindow window_;
  bool stated_ = false;    // by health
  int64_t stated_ms_ = 0;  // 0 unless stated_
  double usual_us_ = 0;    // a moving average over minutes
  int64_t usual_at_ns_ = 0;
  int64_t newest_sent_ns_ = 0;  // of the answers in window_, and of health
  uint32_t sent_ = 0;           // POSTs that were sent and have not ended
  int64_t unanswered_ns_ = 0;   // nothing was answered since then, if sent_ is not 0
};

}  // namespace tollgate::forward

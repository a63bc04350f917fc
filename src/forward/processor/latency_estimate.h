// LatencyEstimate: how long a payment that is sent now is likely to take. That is the median of the
// last answers, or the delay that health states where health is newer, or the time since anything
// was answered, if that is longer.
//
// Thread: one worker's.
// Invariants: an answer tells of the time when its payment was sent; what a newer one has overtaken
// is not counted.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::forward {

// The median of the last 32 values. Adding is O(1); the median is worked out when it is asked for.
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
  // What the fleet's snapshot says.
  void OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns);
  // A payment was answered after so long.
  void OnDuration(int64_t duration_us, int64_t now_ns);
  // A POST leaves, and ends. The time between the two is silence, unless something else is
  // answered.
  void OnSent(int64_t now_ns) {
    if (sent_++ == 0) unanswered_ns_ = now_ns;
  }
  void OnEnded(bool answered, int64_t now_ns) {
    TG_ASSERT(sent_ > 0);
    --sent_;
    if (answered) unanswered_ns_ = now_ns;
  }

  // Of a payment that is sent now.
  int64_t Ms(int64_t now_ns) const { return std::max(KnownMs(), SilentMs(now_ns)); }
  // Over the last minutes.
  int64_t UsualMs() const { return static_cast<int64_t>(usual_us_ / 1000); }
  // It has not answered for much longer than it used to take: nobody knows how slow it is.
  bool Stalled(int64_t now_ns) const {
    constexpr int64_t kPatienceMs = 150;
    return SilentMs(now_ns) > kPatienceMs + 2 * KnownMs();
  }

 private:
  int64_t KnownMs() const { return window_.empty() ? stated_ms_ : window_.MedianUs() / 1000; }
  int64_t SilentMs(int64_t now_ns) const {
    return sent_ == 0 ? 0 : (now_ns - unanswered_ns_) / base::kNanosPerMilli;
  }

  LatencyWindow window_;
  bool stated_ = false;    // by health
  int64_t stated_ms_ = 0;  // 0 unless stated_
  double usual_us_ = 0;    // a moving average over minutes
  int64_t usual_at_ns_ = 0;
  int64_t newest_sent_ns_ = 0;  // of the answers in window_, and of health
  uint32_t sent_ = 0;           // POSTs that have left and not ended
  int64_t unanswered_ns_ = 0;   // since then nothing was answered, if anything was sent
};

}  // namespace tollgate::forward

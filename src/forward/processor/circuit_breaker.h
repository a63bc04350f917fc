// CircuitBreaker: closed while a processor works. It opens after several failures in a row, after
// several waves of 429 in a row without a success, or when health reports failing. Open, it lets
// one payment through per interval, as a probe. One success closes it.
//
// Thread: one worker's.
// Invariants: what was sent before the breaker changed does not change it back; no probe before the
// time of the processor's Retry-After.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::forward {

// All times are monotonic nanoseconds.
class CircuitBreaker {
 public:
  // Opens after `failures_max` failures in a row, or as many waves of 429.
  CircuitBreaker(uint32_t failures_max, int64_t probe_interval_ns)
      : failures_max_(failures_max), probe_interval_ns_(probe_interval_ns) {}

  bool open() const { return open_; }
  uint32_t failures() const { return failures_; }  // in a row
  int64_t next_probe_ns() const { return next_probe_ns_; }

  // A payment that was sent at `sent_ns` succeeded. True if this closed the breaker.
  bool OnSuccess(int64_t sent_ns, int64_t now_ns) {
    if (!open_) {
      failures_ = waves_ = 0;
      return false;
    }
    if (sent_ns < changed_ns_) return false;
    Close(now_ns);
    return true;
  }
  // The payment failed. True if this opened the breaker.
  bool OnFailure(int64_t sent_ns, int64_t now_ns) {
    if (open_ || sent_ns < changed_ns_) return false;
    return ++failures_ >= failures_max_ && Open(now_ns);
  }
  // A new wave of 429 began with a payment that was sent at `sent_ns`. True if this opened the
  // breaker. REQUIRES: closed.
  bool OnWave(int64_t sent_ns, int64_t now_ns) {
    if (sent_ns < changed_ns_) return false;
    return ++waves_ >= failures_max_ && Open(now_ns);
  }
  // The processor sent Retry-After: no probe before `until_ns`.
  void OnRetryAfter(int64_t until_ns) {
    not_before_ns_ = std::max(not_before_ns_, until_ns);
    if (open_) next_probe_ns_ = std::max(next_probe_ns_, not_before_ns_);
  }
  // A payment is about to be sent; if the breaker is open, it is the probe.
  void OnTaken(int64_t now_ns) {
    if (open_) next_probe_ns_ = NextProbeNs(now_ns);
  }

  // Always true: the breaker is open now.
  bool Open(int64_t now_ns) {
    open_ = true;
    changed_ns_ = now_ns;
    next_probe_ns_ = NextProbeNs(now_ns);
    return true;
  }
  void Close(int64_t now_ns) {
    open_ = false;
    changed_ns_ = now_ns;
    failures_ = waves_ = 0;
    not_before_ns_ = 0;
  }

  // Milliseconds for which an open breaker lets nothing through because of Retry-After; 0 or less:
  // none.
  int64_t AskedToWaitMs(int64_t now_ns) const {
    return open_ ? (not_before_ns_ - now_ns) / base::kNanosPerMilli : 0;
  }

 private:
  int64_t NextProbeNs(int64_t now_ns) const {
    return std::max(now_ns + probe_interval_ns_, not_before_ns_);
  }

  const uint32_t failures_max_;
  const int64_t probe_interval_ns_;
  bool open_ = false;
  int64_t changed_ns_ = 0;
  uint32_t failures_ = 0;  // in a row
  uint32_t waves_ = 0;     // in a row
  int64_t next_probe_ns_ = 0;
  int64_t not_before_ns_ = 0;  // from Retry-After
};

}  // namespace tollgate::forward

// ProcessorState: what one forwarder knows of one processor: breaker, latency, capacity.
//
// Thread: one worker's.
// Invariants: an open breaker lets at most one probe through per interval, and none before the
// processor wants to be asked again; 429 is a matter of capacity, and of the breaker only when
// nothing succeeds between one wave of it and the next; what was sent before the breaker changed
// does not change it back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "forward/pace_history.h"
#include "tollgate/forward/policy.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::forward {

// The median of the last 32 values. Adding is O(1); the median is worked out when it is asked for.
class LatencyWindow {
 public:
  void Add(int64_t value_us);
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

struct ProcessorStateOptions {
  payments::ProcessorId id = payments::kNoProcessor;
  int64_t fee_ppm = 0;
  uint32_t in_flight_max = 1;
  uint32_t unresolved_max = 1;
  uint32_t breaker_failures = 3;
  int64_t probe_interval_ns = 0;
  int64_t outage_expected_ms = 20'000;  // before any was seen
};

class ProcessorState {
 public:
  explicit ProcessorState(const ProcessorStateOptions& options);

  // What the fleet's snapshot says. `failing` opens the breaker when it is news. True if the
  // breaker changed.
  bool OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns);
  // An answer that shows it working. True if this closed the breaker. `duration_us` tells, here and
  // below, when the payment was sent.
  bool OnSuccess(int64_t duration_us, int64_t now_ns);
  // True if this opened the breaker.
  bool OnFailure(int64_t duration_us, int64_t now_ns);
  // 429: halves the cap, once per wave: what was sent since the last time, and at most once per 100
  // ms. As many waves in a row without a success as failures would open the breaker open it: true.
  // `retry_after_ms`: for how long it wants to be left alone; 0: it does not say.
  bool OnOverCapacity(int64_t duration_us, int64_t retry_after_ms, int64_t now_ns);

  // Another in_flight_max, as the fleet grows and shrinks.
  void SetMax(uint32_t in_flight_max);

  // A payment takes a place, to be sent once it is claimed; uses up the probe if the breaker is
  // open.
  void Take(int64_t now_ns);
  // A look at a payment with unknown outcome takes a place, but is no probe.
  void TakeForRepeat() { ++in_flight_; }
  void GiveBack();
  // A POST leaves, and ends. What is between the two is silence, unless something else is answered.
  void OnSent(int64_t now_ns);
  void OnEnded(bool answered, int64_t now_ns);
  void AddUnresolved(int64_t n) { unresolved_ = static_cast<uint32_t>(unresolved_ + n); }

  // What keeps it from being chosen now, or does not.
  Standing StandingAt(int64_t now_ns) const;
  // `in_line`: how many payments wait.
  ProcessorView View(int64_t now_ns, int64_t in_line) const;
  bool breaker_open() const { return breaker_open_; }
  // Not only for a moment, as when it is full.
  bool passed_over() const { return breaker_open_ || unresolved_ >= options_.unresolved_max; }
  uint32_t in_flight() const { return in_flight_; }
  uint32_t unresolved() const { return unresolved_; }
  uint32_t cap() const { return cap_; }
  int64_t next_probe_ns() const { return next_probe_ns_; }
  uint32_t failures() const { return failures_; }

 private:
  void Open(int64_t now_ns);
  int64_t NextProbeNs(int64_t now_ns) const;
  void Close(int64_t now_ns);
  void SetAway(bool away, int64_t now_ns);
  bool Slow(int64_t now_ns) const { return LatencyMs(now_ns) >= PaceHistory::kSlowMs; }
  void NoteDuration(int64_t duration_us, int64_t now_ns);
  int64_t KnownLatencyMs() const;
  int64_t SilentMs(int64_t now_ns) const;
  int64_t LatencyMs(int64_t now_ns) const;
  bool Suspect(int64_t now_ns) const;
  int64_t BackInMs(int64_t now_ns) const;
  int64_t WeakPpm(int64_t now_ns, int64_t in_line) const;
  void Watch(int64_t now_ns);

  const ProcessorStateOptions options_;
  upstream::ProcessorHealth health_;
  LatencyWindow latency_;
  double usual_us_ = 0;  // a moving average over minutes
  int64_t usual_at_ns_ = 0;
  int64_t newest_sent_ns_ = 0;  // of the answers in latency_, and of health
  uint32_t sent_ = 0;           // POSTs that have left and not ended
  int64_t unanswered_ns_ = 0;   // since then nothing was answered, if anything was sent
  int64_t taken_ns_ = 0;        // when a payment last took a place
  int64_t watched_ns_ = 0;      // up to when pace_ counts
  PaceHistory pace_;
  // Away: out of order or slow. What is waited for is that neither is so any more.
  bool away_ = false;
  int64_t away_since_ns_ = 0;
  int64_t outages_ns_ = 0;  // of all times away that have ended, together
  int64_t outages_ = 0;     // how many
  bool breaker_open_ = false;
  int64_t breaker_changed_ns_ = 0;
  uint32_t failures_ = 0;  // in a row
  int64_t next_probe_ns_ = 0;
  int64_t not_before_ns_ = 0;  // it wants to be left alone until then
  uint32_t in_flight_ = 0;
  uint32_t unresolved_ = 0;
  uint32_t max_;  // of cap_
  uint32_t cap_;
  uint32_t successes_ = 0;  // since the cap last changed
  int64_t wave_ns_ = 0;     // when the last wave of 429 began
  uint32_t waves_ = 0;      // in a row
};

}  // namespace tollgate::forward

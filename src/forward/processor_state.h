// ProcessorState: what one forwarder knows of one processor, for the policy. Its parts are the
// circuit breaker, the latency estimate, the model of outages and the limit of payments in flight
// (forward/processor).
//
// Thread: one worker's.
// Invariants: an open breaker lets at most one probe through per interval, and none before the time
// of Retry-After; 429 lowers the limit, and opens the breaker only after several waves without a
// success; what was sent before the breaker changed does not change it back.
#pragma once

#include <cstdint>

#include "forward/processor/circuit_breaker.h"
#include "forward/processor/concurrency_limit.h"
#include "forward/processor/latency_estimate.h"
#include "forward/processor/outage_model.h"
#include "tollgate/forward/policy.h"
#include "tollgate/upstream/health_board.h"

namespace tollgate::forward {

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

  // Takes the health in the fleet's snapshot. If `failing` is new, the breaker opens. True if the
  // breaker changed.
  bool OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns);
  // A success. True if this closed the breaker. Here and below `duration_us` says when the payment
  // was sent.
  bool OnSuccess(int64_t duration_us, int64_t now_ns);
  // True if this opened the breaker.
  bool OnFailure(int64_t duration_us, int64_t now_ns);
  // 429: halves the limit once per wave (ConcurrencyLimit::BeginWave). True if this opened the
  // breaker: `breaker_failures` waves came in a row without a success. `retry_after_ms`: from
  // Retry-After; 0: none.
  bool OnOverCapacity(int64_t duration_us, int64_t retry_after_ms, int64_t now_ns);

  // Sets in_flight_max, which depends on the size of the fleet.
  void SetMax(uint32_t in_flight_max) { limit_.SetMax(in_flight_max); }

  // A payment takes a place, to be sent once it is claimed. If the breaker is open, it uses up the
  // probe.
  void Take(int64_t now_ns);
  // A recheck of a payment with unknown outcome takes a place, but is no probe.
  void TakeForRecheck() { limit_.Take(); }
  void GiveBack() { limit_.GiveBack(); }
  // A POST was sent, or has ended. A place may be held for long before its POST, while the ledger
  // does not answer.
  void OnSent(int64_t now_ns) { latency_.OnSent(now_ns); }
  void OnEnded(bool answered, int64_t now_ns) { latency_.OnEnded(answered, now_ns); }
  void AddUnresolved(int64_t n) { unresolved_ = static_cast<uint32_t>(unresolved_ + n); }

  // Whether it can be chosen now, and why not.
  Availability StandingAt(int64_t now_ns) const;
  // `in_line`: how many payments wait.
  ProcessorView View(int64_t now_ns, int64_t in_line) const;
  bool breaker_open() const { return breaker_.open(); }
  // True if it is passed over for longer than a moment; a full processor is not.
  bool passed_over() const { return breaker_.open() || unresolved_ >= options_.unresolved_max; }
  uint32_t in_flight() const { return limit_.in_flight(); }
  uint32_t unresolved() const { return unresolved_; }
  uint32_t cap() const { return limit_.cap(); }
  int64_t next_probe_ns() const { return breaker_.next_probe_ns(); }
  uint32_t failures() const { return breaker_.failures(); }

 private:
  // The breaker has just opened, or closed. Always true.
  bool Opened(int64_t now_ns);
  bool Closed(int64_t now_ns);
  int64_t BackInMs(int64_t now_ns) const;
  int64_t WeakPpm(int64_t now_ns, int64_t in_line) const;
  void Watch(int64_t now_ns);

  const ProcessorStateOptions options_;
  upstream::ProcessorHealth health_;
  CircuitBreaker breaker_;
  LatencyEstimate latency_;
  OutageModel outages_;
  ConcurrencyLimit limit_;
  int64_t taken_ns_ = 0;  // when a payment last took a place
  uint32_t unresolved_ = 0;
};

}  // namespace tollgate::forward

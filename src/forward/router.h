// Router: which processor a payment goes to; the policy chooses. It keeps what is known of each
// processor and of the rate of arrivals, the places that are taken at each processor, and the
// payments that wait for one.
//
// Thread: one worker's.
// Owns: a ProcessorState for each configured processor; the two queues of waiting payments.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "forward/arrival_rate.h"
#include "forward/due_heap.h"
#include "forward/processor_state.h"
#include "tollgate/forward/audit_calendar.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

class Router {
 public:
  // What the choice depends on in a payment; as in Moment.
  struct Candidate {
    int64_t age_ms = 0;
    uint32_t probes = 0;
    payments::ProcessorId refused_by = payments::kNoProcessor;
  };
  using Views = std::array<ProcessorView, payments::kProcessorsMax>;
  using ProcessorSet = std::bitset<payments::kProcessorsMax>;

  // REQUIRES: all outlive it.
  Router(const ForwarderOptions& options, const upstream::HealthBoard& health,
         const base::Clock& clock);

  // `now_ns`, here and below: monotonic. Reads the processors' health, and the size of the fleet,
  // which shares the limits. Returns the processors whose breaker this opened or closed.
  ProcessorSet ReadHealth(int64_t now_ns);
  // Once a turn: `in_ring` payments wait to be taken by this forwarder.
  void ObserveTraffic(int64_t now_ns, size_t in_ring) { arrivals_.Observe(now_ns, in_ring); }
  void OnTaken() { arrivals_.OnTaken(); }
  void PublishMetrics(metrics::ForwardMetrics& metrics) const;

  // The payments that wait for a processor, oldest first: in ready() those that may be a probe, in
  // tried() those that have been one kProbesMax times and only wait. A payment in ready() may be a
  // probe while those in tried() wait.
  DueHeap& ready() { return ready_; }
  const DueHeap& ready() const { return ready_; }
  DueHeap& tried() { return tried_; }
  const DueHeap& tried() const { return tried_; }

  // True if a payment that comes now could be sent at once.
  bool AnyEligible(int64_t now_ns) const;
  // Call before the waiting payments are routed again.
  void ForgetWait() { wait_until_ns_ = std::numeric_limits<int64_t>::max(); }
  // The processor to send it to now; kNoProcessor: it must wait. Takes no place.
  Choice Route(const Candidate& payment, int64_t now_ns);
  // Until when the policy lets a payment wait that was routed since ForgetWait; INT64_MAX: until an
  // event.
  int64_t wait_until_ns() const { return wait_until_ns_; }
  // The next time after `now_ns` at which a breaker lets a probe through; INT64_MAX: there is none.
  int64_t NextProbeNs(int64_t now_ns) const;

  // Places for a payment that will be sent, or for a recheck of a payment with unknown outcome.
  void Take(payments::ProcessorId id, int64_t now_ns) { states_[id].Take(now_ns); }
  // False: the limit there is reached.
  bool TryTakeForRecheck(payments::ProcessorId id);
  void GiveBack(payments::ProcessorId id, bool of_recheck);

  bool Configured(payments::ProcessorId id) const { return id < states_.size(); }
  // REQUIRES: Configured(id).
  ProcessorState& State(payments::ProcessorId id) { return states_[id]; }
  const ProcessorState& State(payments::ProcessorId id) const { return states_[id]; }

  // The views of all processors, and the moment, for a payment that has just come.
  std::span<ProcessorView> FillViews(Views& views, int64_t now_ns) const;
  Moment MomentNow(int64_t now_ns) const;

 private:
  void ReadVisits(int64_t now_ns);
  int64_t Waiting() const {
    return static_cast<int64_t>(ready_.size() + tried_.size()) + arrivals_.in_line();
  }

  const ForwarderOptions& options_;
  const upstream::HealthBoard& health_;
  const base::Clock& clock_;
  std::vector<ProcessorState> states_;  // by ProcessorId
  ArrivalRate arrivals_;
  DueHeap ready_;
  DueHeap tried_;
  int64_t wait_until_ns_ = std::numeric_limits<int64_t>::max();
  uint32_t fleet_ = 1;  // live instances
  uint32_t rechecks_ = 0;
  // What was made of the visits of auditors, and when.
  int64_t burst_phase_ms_ = kSpreadPhase;
  uint64_t visits_known_ = 0;
  int64_t visits_read_ns_ = 0;
};

}  // namespace tollgate::forward

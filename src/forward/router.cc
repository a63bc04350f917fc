#include "forward/router.h"

#include <algorithm>

namespace tollgate::forward {
namespace {

// Rechecks at a processor that does not answer are limited: few are enough to see it come back.
constexpr uint32_t kRechecksAtOpenBreakerMax = 8;

// This forwarder's share of an instance-wide limit; the first forwarders get the remainder.
uint32_t PartOf(size_t limit, const ForwarderOptions& options) {
  const size_t part = limit / options.forwarders + (options.index < limit % options.forwarders);
  return static_cast<uint32_t>(std::max<size_t>(part, 1));
}

// This forwarder's limit in flight at a processor while `instances` instances live.
uint32_t InFlightMax(const ForwarderOptions& options, size_t processor, uint32_t instances) {
  return PartOf(std::min(options.processors[processor].in_flight_max,
                         std::max<size_t>(1, options.fleet_in_flight_max / instances)),
                options);
}

std::vector<ProcessorState> StatesOf(const ForwarderOptions& options) {
  std::vector<ProcessorState> states;
  for (size_t id = 0; id < options.processors.size(); ++id) {
    states.emplace_back(
        ProcessorStateOptions{.id = static_cast<payments::ProcessorId>(id),
                              .fee_ppm = options.processors[id].fee_ppm,
                              .in_flight_max = InFlightMax(options, id, 1),
                              .unresolved_max = static_cast<uint32_t>(options.unresolved_max),
                              .breaker_failures = options.breaker_failures,
                              .probe_interval_ns = options.probe_interval_ms * base::kNanosPerMilli,
                              .outage_expected_ms = options.outage_expected_ms});
  }
  return states;
}

}  // namespace

Router::Router(const ForwarderOptions& options, const upstream::HealthBoard& health,
               const base::Clock& clock)
    : options_(options), health_(health), clock_(clock), states_(StatesOf(options)) {}

// Old visits are forgotten without a change, so it is done again now and then.
void Router::ReadVisits(int64_t now_ns) {
  constexpr int64_t kAgainNs = 10 * base::kNanosPerSecond;
  const uint64_t changes = health_.visits().changes();
  if (changes == visits_known_ && now_ns - visits_read_ns_ < kAgainNs) return;
  visits_known_ = changes;
  visits_read_ns_ = now_ns;
  base::RecentTimes::Times times;
  burst_phase_ms_ = BurstPhaseMs(health_.visits().Read(times, clock_.WallMillis()));
}

Router::ProcessorSet Router::ReadHealth(int64_t now_ns) {
  ReadVisits(now_ns);
  const uint32_t instances = health_.instances();
  if (instances != fleet_) {
    fleet_ = instances;
    for (size_t i = 0; i < states_.size(); ++i) {
      states_[i].SetMax(InFlightMax(options_, i, fleet_));
    }
  }
  ProcessorSet changed;
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto id = static_cast<payments::ProcessorId>(i);
    if (states_[i].OnHealth(health_.Read(id), now_ns)) changed.set(i);
  }
  return changed;
}

void Router::PublishMetrics(metrics::ForwardMetrics& metrics) const {
  for (size_t i = 0; i < states_.size(); ++i) {
    metrics::ProcessorMetrics& out = metrics.processors[i];
    out.in_flight.Set(states_[i].in_flight());
    out.unresolved.Set(states_[i].unresolved());
    out.breaker_open.Set(states_[i].breaker_open() ? 1 : 0);
    out.in_flight_cap.Set(states_[i].cap());
  }
}

bool Router::AnyEligible(int64_t now_ns) const {
  return std::any_of(states_.begin(), states_.end(), [now_ns](const ProcessorState& state) {
    const Availability availability = state.StandingAt(now_ns);
    return availability == Availability::kOpenForAll || availability == Availability::kProbeDue;
  });
}

Choice Router::Route(const Candidate& payment, int64_t now_ns) {
  Views views;
  Moment moment = MomentNow(now_ns);
  moment.age_ms = payment.age_ms;
  moment.probes = payment.probes;
  moment.refused_by = payment.refused_by;
  const Choice choice = options_.choose(FillViews(views, now_ns), moment, options_.policy);
  if (choice.processor == payments::kNoProcessor &&
      choice.wait_until_ms < kNever / base::kNanosPerMilli) {
    wait_until_ns_ = std::min(wait_until_ns_, choice.wait_until_ms * base::kNanosPerMilli);
  }
  return choice;
}

int64_t Router::NextProbeNs(int64_t now_ns) const {
  int64_t next = std::numeric_limits<int64_t>::max();
  for (const ProcessorState& state : states_) {
    // The policy declined a probe that is due: wait_until_ns says when to look again.
    const int64_t probe_ns = state.next_probe_ns();
    if (state.breaker_open() && probe_ns > now_ns) next = std::min(next, probe_ns);
  }
  return next;
}

bool Router::TryTakeForRecheck(payments::ProcessorId id) {
  ProcessorState& state = states_[id];
  if (state.in_flight() >= state.cap()) return false;
  if (state.breaker_open() && rechecks_ >= kRechecksAtOpenBreakerMax) return false;
  state.TakeForRecheck();
  ++rechecks_;
  return true;
}

void Router::GiveBack(payments::ProcessorId id, bool of_recheck) {
  if (of_recheck) --rechecks_;
  states_[id].GiveBack();
}

std::span<ProcessorView> Router::FillViews(Views& views, int64_t now_ns) const {
  for (size_t i = 0; i < states_.size(); ++i) views[i] = states_[i].View(now_ns, Waiting());
  return {views.data(), states_.size()};
}

Moment Router::MomentNow(int64_t now_ns) const {
  const int64_t wall_ms = clock_.WallMillis();
  return {.now_ms = now_ns / base::kNanosPerMilli,
          .wall_ms = wall_ms,
          .burst_phase_ms = burst_phase_ms_,
          .waiting = Waiting(),
          .arrivals_per_s = arrivals_.per_s(),
          .load_ended = arrivals_.Ended(now_ns),
          .left_ms = options_.cutoff.LeftMs(wall_ms)};
}

}  // namespace tollgate::forward

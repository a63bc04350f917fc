#include "tollgate/forward/policy.h"

#include <algorithm>

#include "tollgate/forward/audit_calendar.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kMsPerSecond = 1'000;
constexpr int64_t kWhole = 1'000'000;  // the amount, in millionths
// When payments stop coming, a day or a batch is over and its cutoff is near. A second then costs
// this many times as much.
constexpr int64_t kLoadEndedFactor = 50;
// A waiting payment is routed again after this time, because estimates change.
constexpr int64_t kLookAgainMs = 50;
// A probe that could do harm is put off for this many times the longest wait while health reports
// failing.
constexpr int64_t kReportedPatience = 4;
// Some payment has to be the probe, also if payments may not wait: one younger than this may be.
constexpr int64_t kProbeAgeMs = 1'000;
// Estimates and clocks are not exact.
constexpr int64_t kMarginMs = 50;
// Payments that would be booked across an audit are sent in bursts, so that they are booked at the
// same moment of every second. An auditor sees a difference only at that moment, and further bursts
// add nothing to it. The audit calendar chooses the moment.
// The remaining risk of each payment in a burst. It is not worth taking for a small difference
// between fees.
constexpr int64_t kBurstCostPpm = 30'000;

// Milliseconds until a queue of waiting payments with one more is empty: that one delays all that
// come until then. kNever if payments come faster than they go.
int64_t QueueDrainMs(int64_t in_line, int64_t cap, int64_t latency_ms, int64_t arrivals_per_s) {
  const int64_t leave_per_s = cap * kMsPerSecond / std::max<int64_t>(latency_ms, 1);
  if (leave_per_s <= arrivals_per_s) return kNever;
  return (in_line + 1) * kMsPerSecond / (leave_per_s - arrivals_per_s);
}

bool IsOut(const ProcessorView& view) {
  return view.availability == Availability::kProbeDue ||
         view.availability == Availability::kBreakerOpen;
}

// A processor that is out of order will hardly have its present latency when it is back.
int64_t LatencyMs(const ProcessorView& view) {
  return IsOut(view) ? view.usual_latency_ms : view.latency_ms;
}

bool CrossesAudit(const ProcessorView& view, const PolicyOptions& options) {
  return options.audit_lag_ms != 0 &&
         (view.stalled || view.latency_ms + kMarginMs > options.audit_lag_ms);
}

// Milliseconds until a payment may be sent there without a difference for an audit. When the load
// has ended there is no time left to avoid one.
int64_t BurstInMs(const ProcessorView& view, const Moment& moment, const PolicyOptions& options) {
  if (moment.load_ended || !CrossesAudit(view, options)) return 0;
  return NextBurstInMs(moment.wall_ms + view.latency_ms, moment.burst_phase_ms);
}

bool Ready(const ProcessorView& view, const Moment& moment, const PolicyOptions& options) {
  return view.availability == Availability::kOpenForAll && BurstInMs(view, moment, options) == 0;
}

// Until it has recovered and then served its queue.
int64_t WellInMs(const ProcessorView& view, const Moment& moment) {
  const int64_t in_line =
      moment.waiting + view.recovers_in_ms * moment.arrivals_per_s / kMsPerSecond;
  const int64_t line_ms =
      QueueDrainMs(in_line, view.in_flight_cap, view.usual_latency_ms, moment.arrivals_per_s);
  return line_ms == kNever ? kNever : view.recovers_in_ms + line_ms;
}

int64_t WaitMs(const ProcessorView& view, const Moment& moment, const PolicyOptions& options) {
  if (view.availability == Availability::kUnresolvedCap) return kNever;
  if (IsOut(view)) return WellInMs(view, moment);
  const int64_t burst_in_ms = BurstInMs(view, moment, options);
  if (view.availability == Availability::kOpenForAll) {
    const bool has_place = moment.waiting + view.in_flight < view.in_flight_cap;
    if (burst_in_ms == 0 || has_place) return burst_in_ms;
  }
  // A slow processor takes few at a time. Payments may wait for its queue or for its recovery.
  const int64_t well_in_ms = view.recovers_in_ms > 0 ? WellInMs(view, moment) : kNever;
  if (view.availability == Availability::kOpenForAll) return well_in_ms;
  return std::min(well_in_ms, QueueDrainMs(moment.waiting, view.in_flight_cap, view.latency_ms,
                                           moment.arrivals_per_s));
}

// The cheaper one first; at equal costs the smaller fee, then the smaller id, so that the choice is
// stable.
bool Before(const ProcessorView& a, int64_t cost_a, const ProcessorView& b, int64_t cost_b) {
  if (cost_a != cost_b) return cost_a < cost_b;
  return a.fee_ppm != b.fee_ppm ? a.fee_ppm < b.fee_ppm : a.id < b.id;
}

}  // namespace

const char* Name(Availability availability) {
  switch (availability) {
    case Availability::kOpenForAll:
      return "open";
    case Availability::kProbeDue:
      return "probe due";
    case Availability::kBreakerOpen:
      return "breaker open";
    case Availability::kFull:
      return "full";
    case Availability::kUnresolvedCap:
      return "too many unresolved";
  }
  return "unknown";
}

CostEstimate EstimateCost(const ProcessorView& view, const Moment& moment,
                          const PolicyOptions& options) {
  CostEstimate it;
  it.ready = Ready(view, moment, options);
  it.wait_ms = WaitMs(view, moment, options);
  it.crosses_audit = CrossesAudit(view, options);
  if (it.wait_ms == kNever) {
    it.cost_ppm = kNever;
    return it;
  }
  const int64_t latency_ms = LatencyMs(view);
  const int64_t costly_ms = it.wait_ms * moment.other_unavailable_ppm / kWhole + latency_ms;
  const int64_t per_s = options.delay_cost_ppm_per_s * (moment.load_ended ? kLoadEndedFactor : 1);
  it.cost_ppm = view.fee_ppm + costly_ms * per_s / kMsPerSecond;
  if (moment.left_ms != kNever && it.wait_ms + latency_ms + kMarginMs > moment.left_ms) {
    it.misses_cutoff = true;
    it.cost_ppm += kWhole;
  }
  if (view.id == moment.refused_by) it.cost_ppm += kWhole;
  // When a stalled processor will book is not known.
  if (it.crosses_audit && !IsOut(view)) it.cost_ppm += view.stalled ? kWhole : kBurstCostPpm;
  return it;
}

namespace {

// The best of the processors that would take the payment now; nullptr: none.
const ProcessorView* BestReady(std::span<const ProcessorView> views, const Moment& moment,
                               const PolicyOptions& options, int64_t& its_cost) {
  const ProcessorView* best = nullptr;
  its_cost = kNever;
  for (const ProcessorView& view : views) {
    if (!Ready(view, moment, options)) continue;
    const int64_t cost = EstimateCost(view, moment, options).cost_ppm;
    if (best != nullptr && !Before(view, cost, *best, its_cost)) continue;
    best = &view;
    its_cost = cost;
  }
  return best;
}

// True if another processor takes the payment, now or in its next burst.
bool AnotherTakes(std::span<const ProcessorView> views, const ProcessorView& than) {
  return std::any_of(views.begin(), views.end(), [&](const ProcessorView& view) {
    return &view != &than && view.availability == Availability::kOpenForAll;
  });
}

// A payment that comes alone finds every probe due. It must not be a probe again and again while
// another processor would take it, nor after its longest wait.
bool MayBeProbe(const Moment& moment, const PolicyOptions& options) {
  return moment.probes < kProbesMax &&
         moment.age_ms <= std::max(options.wait_for_cheaper_ms_max, kProbeAgeMs);
}

// Now and then a payment goes to a processor with a smaller fee, to see whether it is back or
// faster. Returns the cheapest that is due; nullptr: none is, or a probe would do harm.
const ProcessorView* DueProbe(std::span<const ProcessorView> views, const ProcessorView* ready,
                              const Moment& moment, const PolicyOptions& options) {
  const ProcessorView* probe = nullptr;
  for (const ProcessorView& view : views) {
    const bool open = Ready(view, moment, options);
    if (view.availability != Availability::kProbeDue && !(open && view.sample_due)) continue;
    if (ready != nullptr && view.fee_ppm >= ready->fee_ppm) continue;
    if (ready != nullptr && view.id == moment.refused_by) continue;
    if (probe == nullptr || Before(view, view.fee_ppm, *probe, probe->fee_ppm)) probe = &view;
  }
  if (probe == nullptr) return nullptr;
  const bool another_takes = AnotherTakes(views, *probe);
  if (another_takes && !MayBeProbe(moment, options)) return nullptr;
  const bool harmless =
      !moment.load_ended && probe->latency_ms < moment.left_ms && !CrossesAudit(*probe, options);
  if (harmless) return probe;
  // No other processor is left and none will report when this one is back, so it has to be tried.
  // If health reports failing, it will soon report the end of that; but that wait is limited too.
  const int64_t patience_ms =
      options.wait_for_cheaper_ms_max * (probe->reported_failing ? kReportedPatience : 1);
  return !another_takes && moment.age_ms >= patience_ms ? probe : nullptr;
}

// Milliseconds for which a payment is held although its processor would take it, so that few are on
// their way when that one turns out to have become slower than an audit's lag: until it answers
// again or counts as stalled, and until the next departure. Nothing is held where that costs
// throughput or a cutoff, nor what comes alone, has waited long or was refused: those behind a
// refused one may go elsewhere at once.
int64_t HoldMs(const ProcessorView& view, const Moment& moment, const PolicyOptions& options) {
  constexpr int64_t kAlonePerS = 20;  // so few payments are hardly ever on their way together
  // First what is usual.
  if (view.pause_left_ms == 0 && view.latency_ms < kDepartureLatencyMs) return 0;
  if (options.audit_lag_ms == 0 || !moment.may_hold || moment.load_ended) return 0;
  if (moment.arrivals_per_s < kAlonePerS || CrossesAudit(view, options)) return 0;
  if (moment.age_ms >= options.wait_for_cheaper_ms_max) return 0;
  if (moment.refused_by != payments::kNoProcessor) return 0;
  if (moment.left_ms < kMsPerSecond + view.latency_ms) return 0;
  if (moment.waiting + view.in_flight >= view.in_flight_cap) return 0;
  return std::max(view.pause_left_ms, NextDepartureInMs(moment.wall_ms, view.latency_ms));
}

// A payment whose processor is chosen may still be held, until `wake_ms` at most. What is chosen
// does not depend on that.
Choice Held(const ProcessorView& chosen, const Moment& moment, const PolicyOptions& options,
            int64_t wake_ms) {
  const int64_t hold_ms = HoldMs(chosen, moment, options);
  if (hold_ms == 0) return {.processor = chosen.id, .wait_until_ms = 0};
  return {.processor = payments::kNoProcessor,
          .wait_until_ms = std::min(moment.now_ms + hold_ms, wake_ms)};
}

}  // namespace

int64_t UnavailableOfBestReady(std::span<const ProcessorView> views, const Moment& moment,
                               const PolicyOptions& options) {
  int64_t cost = 0;
  const ProcessorView* const ready = BestReady(views, moment, options, cost);
  return ready == nullptr ? kWhole : ready->unavailable_ppm;
}

Choice Choose(std::span<const ProcessorView> views, const Moment& moment,
              const PolicyOptions& options) {
  int64_t ready_cost = kNever;
  const ProcessorView* const ready = BestReady(views, moment, options, ready_cost);
  if (const ProcessorView* const probe = DueProbe(views, ready, moment, options)) {
    return {.processor = probe->id, .wait_until_ms = 0, .is_probe = true};
  }
  // Whether to wait for another one depends on the real cost, without the surcharge for a refusal.
  if (ready != nullptr && ready->id == moment.refused_by) ready_cost -= kWhole;
  const int64_t may_wait_ms = options.wait_for_cheaper_ms_max - moment.age_ms;
  if (ready != nullptr && may_wait_ms <= 0) return {.processor = ready->id, .wait_until_ms = 0};

  Moment waiting = moment;
  waiting.other_unavailable_ppm = ready == nullptr ? kWhole : ready->unavailable_ppm;
  int64_t wake_ms = moment.now_ms + kLookAgainMs;
  bool better = ready == nullptr;
  for (const ProcessorView& view : views) {
    if (view.availability == Availability::kBreakerOpen)
      wake_ms = std::min(wake_ms, view.retry_at_ms);
    if (Ready(view, moment, options)) continue;
    if (view.availability == Availability::kOpenForAll) {
      wake_ms = std::min(wake_ms, moment.now_ms + BurstInMs(view, moment, options));
    }
    if (better || view.fee_ppm >= ready->fee_ppm) continue;
    better = EstimateCost(view, waiting, options).cost_ppm < ready_cost;
  }
  if (ready != nullptr) wake_ms = std::min(wake_ms, moment.now_ms + may_wait_ms);
  if (!better) return Held(*ready, moment, options, wake_ms);
  return {.processor = payments::kNoProcessor, .wait_until_ms = wake_ms};
}

}  // namespace tollgate::forward

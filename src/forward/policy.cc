#include "tollgate/forward/policy.h"

#include <algorithm>

namespace tollgate::forward {
namespace {

constexpr int64_t kMsPerSecond = 1'000;
constexpr int64_t kWhole = 1'000'000;  // the amount, in millionths
// When payments have stopped coming, a day or a batch is over, and its cutoff near: a second then
// costs this many times as much.
constexpr int64_t kQuietFactor = 50;
// What is waited for is looked at again so often: expectations change.
constexpr int64_t kLookAgainMs = 50;
// Estimates and clocks are not exact.
constexpr int64_t kMarginMs = 50;

// Until the line of waiting payments is gone, for one more in it holds up all that come before
// that; never, if they come faster than they go.
int64_t LineMs(const ProcessorView& view, const Moment& moment) {
  const int64_t leave_per_s =
      int64_t{view.in_flight_cap} * kMsPerSecond / std::max<int64_t>(view.latency_ms, 1);
  if (leave_per_s <= moment.arrivals_per_s) return kNever;
  return (moment.waiting + 1) * kMsPerSecond / (leave_per_s - moment.arrivals_per_s);
}

int64_t WaitMs(const ProcessorView& view, const Moment& moment) {
  switch (view.standing) {
    case Standing::kOpenForAll:
      return 0;
    case Standing::kProbeDue:
    case Standing::kBreakerOpen:
      return view.back_in_ms;
    case Standing::kFull:
      return LineMs(view, moment);
    case Standing::kUnresolvedCap:
      return kNever;
  }
  return kNever;
}

// Cheaper first; of equal costs the one with the smaller fee, then the smaller id, so that the
// choice is stable.
bool Before(const ProcessorView& a, int64_t cost_a, const ProcessorView& b, int64_t cost_b) {
  if (cost_a != cost_b) return cost_a < cost_b;
  return a.fee_ppm != b.fee_ppm ? a.fee_ppm < b.fee_ppm : a.id < b.id;
}

}  // namespace

const char* Name(Standing standing) {
  switch (standing) {
    case Standing::kOpenForAll:
      return "open";
    case Standing::kProbeDue:
      return "probe due";
    case Standing::kBreakerOpen:
      return "breaker open";
    case Standing::kFull:
      return "full";
    case Standing::kUnresolvedCap:
      return "too many unresolved";
  }
  return "unknown";
}

Appraisal Appraise(const ProcessorView& view, const Moment& moment, const PolicyOptions& options) {
  Appraisal it;
  it.ready = view.standing == Standing::kOpenForAll;
  it.wait_ms = WaitMs(view, moment);
  it.crosses_audit =
      options.audit_lag_ms != 0 && view.latency_ms + kMarginMs > options.audit_lag_ms;
  if (it.wait_ms == kNever) {
    it.cost_ppm = kNever;
    return it;
  }
  // What is now out of order will hardly be as slow as it is now when it is back.
  const bool out = view.standing == Standing::kBreakerOpen || view.standing == Standing::kProbeDue;
  const int64_t latency_ms = out ? view.usual_latency_ms : view.latency_ms;
  const int64_t time_ppm =
      it.wait_ms * options.wait_cost_ppm_per_s + latency_ms * options.delay_cost_ppm_per_s;
  it.cost_ppm = view.fee_ppm + time_ppm * (moment.quiet ? kQuietFactor : 1) / kMsPerSecond;
  if (moment.left_ms != kNever && it.wait_ms + latency_ms + kMarginMs > moment.left_ms) {
    it.misses_cutoff = true;
    it.cost_ppm += kWhole;
  }
  if (it.crosses_audit && !out) it.cost_ppm += kWhole;
  return it;
}

Choice Choose(std::span<const ProcessorView> views, const Moment& moment,
              const PolicyOptions& options) {
  const ProcessorView* ready = nullptr;  // the best that would take it now
  const ProcessorView* best = nullptr;   // of all
  const ProcessorView* trial = nullptr;  // the cheapest that wants to be tried
  int64_t ready_cost = kNever;
  int64_t best_cost = kNever;
  int64_t wake_ms = kNever;
  for (const ProcessorView& view : views) {
    const Appraisal it = Appraise(view, moment, options);
    if (view.standing == Standing::kBreakerOpen) wake_ms = std::min(wake_ms, view.retry_at_ms);
    if (best == nullptr || Before(view, it.cost_ppm, *best, best_cost)) {
      best = &view;
      best_cost = it.cost_ppm;
    }
    if (it.ready && (ready == nullptr || Before(view, it.cost_ppm, *ready, ready_cost))) {
      ready = &view;
      ready_cost = it.cost_ppm;
    }
    const bool wanted = view.standing == Standing::kProbeDue ||
                        (view.standing == Standing::kOpenForAll && view.sample_due);
    if (wanted && (trial == nullptr || Before(view, view.fee_ppm, *trial, trial->fee_ppm))) {
      trial = &view;
    }
  }
  // A payment now and then goes where the fee is less, to see whether it is back, or faster.
  if (trial != nullptr && (ready == nullptr || trial->fee_ppm < ready->fee_ppm)) {
    const bool late = moment.age_ms >= options.wait_for_cheaper_ms_max;
    const bool harmless = !Appraise(*trial, moment, options).crosses_audit &&
                          trial->latency_ms < moment.left_ms && !moment.quiet;
    if (harmless || (ready == nullptr && late)) return {.processor = trial->id, .wait_until_ms = 0};
  }
  const int64_t look_ms = moment.now_ms + kLookAgainMs;
  if (ready == nullptr) {
    return {.processor = payments::kNoProcessor, .wait_until_ms = std::min(wake_ms, look_ms)};
  }
  const int64_t may_wait_ms = options.wait_for_cheaper_ms_max - moment.age_ms;
  if (best == ready || may_wait_ms <= 0) return {.processor = ready->id, .wait_until_ms = 0};
  return {.processor = payments::kNoProcessor,
          .wait_until_ms = std::min({wake_ms, look_ms, moment.now_ms + may_wait_ms})};
}

}  // namespace tollgate::forward

#include "forward/processor_state.h"

#include <algorithm>

namespace tollgate::forward {
namespace {

int64_t SentNs(int64_t duration_us, int64_t now_ns) { return now_ns - duration_us * 1000; }

}  // namespace

ProcessorState::ProcessorState(const ProcessorStateOptions& options)
    : options_(options),
      breaker_(options.breaker_failures, options.probe_interval_ns),
      outages_(options.outage_expected_ms),
      limit_(options.in_flight_max) {}

bool ProcessorState::OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns) {
  Watch(now_ns);
  if (health == health_) return false;
  const bool failing_is_news = health.known && health.failing && !health_.failing;
  const bool well_is_news = health.known && !health.failing && health_.failing;
  latency_.OnHealth(health, now_ns);
  health_ = health;
  if (failing_is_news && !breaker_.open()) {
    breaker_.Open(now_ns);
    return Opened(now_ns);
  }
  if (!well_is_news || !breaker_.open()) return false;
  breaker_.Close(now_ns);
  return Closed(now_ns);
}

bool ProcessorState::OnSuccess(int64_t duration_us, int64_t now_ns) {
  latency_.OnDuration(duration_us, now_ns);
  limit_.OnSuccess();
  return breaker_.OnSuccess(SentNs(duration_us, now_ns), now_ns) && Closed(now_ns);
}

bool ProcessorState::OnFailure(int64_t duration_us, int64_t now_ns) {
  return breaker_.OnFailure(SentNs(duration_us, now_ns), now_ns) && Opened(now_ns);
}

bool ProcessorState::OnOverCapacity(int64_t duration_us, int64_t retry_after_ms, int64_t now_ns) {
  const int64_t sent_ns = SentNs(duration_us, now_ns);
  limit_.OnRefusal();
  breaker_.OnRetryAfter(now_ns + retry_after_ms * base::kNanosPerMilli);
  if (breaker_.open()) return false;  // one probe does not show how many it takes at once
  if (!limit_.BeginWave(sent_ns, now_ns)) return false;
  return breaker_.OnWave(sent_ns, now_ns) && Opened(now_ns);
}

bool ProcessorState::Opened(int64_t now_ns) {
  outages_.SetAway(true, now_ns);
  return true;
}

bool ProcessorState::Closed(int64_t now_ns) {
  outages_.SetAway(latency_.Ms(now_ns) >= OutageModel::kAwayMs, now_ns);
  return true;
}

int64_t ProcessorState::BackInMs(int64_t now_ns) const {
  if (!outages_.away()) return 0;
  return std::max(outages_.BackInMs(now_ns), breaker_.AskedToWaitMs(now_ns));
}

// How likely it could not take all that waits soon, if it were needed: the share of the past in
// which it was too slow for that; certain if it is too slow now.
int64_t ProcessorState::WeakPpm(int64_t now_ns, int64_t in_line) const {
  constexpr int64_t kSoonMs = 1'000;
  constexpr int64_t kAlways = 1'000'000;
  const int64_t cap = limit_.cap();
  const int64_t turns_ms = kSoonMs * cap / std::max<int64_t>(in_line + 1, cap);
  if (breaker_.open() || latency_.Ms(now_ns) > turns_ms) return kAlways;
  return outages_.SlowerPpm(turns_ms);
}

void ProcessorState::Watch(int64_t now_ns) {
  if (!outages_.IsDue(now_ns)) return;
  outages_.Observe(breaker_.open() ? OutageModel::kAwayMs : latency_.Ms(now_ns), now_ns);
}

void ProcessorState::Take(int64_t now_ns) {
  taken_ns_ = now_ns;
  limit_.Take();
  breaker_.OnTaken(now_ns);
}

Availability ProcessorState::StandingAt(int64_t now_ns) const {
  if (unresolved_ >= options_.unresolved_max) return Availability::kUnresolvedCap;
  if (limit_.full()) return Availability::kFull;
  if (!breaker_.open()) return Availability::kOpenForAll;
  return now_ns >= breaker_.next_probe_ns() ? Availability::kProbeDue : Availability::kBreakerOpen;
}

ProcessorView ProcessorState::View(int64_t now_ns, int64_t in_line) const {
  return {.id = options_.id,
          .fee_ppm = options_.fee_ppm,
          .availability = StandingAt(now_ns),
          .retry_at_ms = breaker_.next_probe_ns() / base::kNanosPerMilli + 1,
          .latency_ms = latency_.Ms(now_ns),
          .recovers_in_ms = BackInMs(now_ns),
          .usual_latency_ms = latency_.UsualMs(),
          .unavailable_ppm = WeakPpm(now_ns, in_line),
          .sample_due = now_ns - taken_ns_ >= options_.probe_interval_ns,
          .reported_failing = health_.known && health_.failing,
          .stalled = latency_.Stalled(now_ns),
          .pause_left_ms = latency_.PauseLeftMs(now_ns),
          .in_flight = limit_.in_flight(),
          .in_flight_cap = limit_.cap()};
}

}  // namespace tollgate::forward

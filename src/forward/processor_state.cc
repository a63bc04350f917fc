#include "forward/processor_state.h"

#include <algorithm>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::forward {

void LatencyWindow::Add(int64_t value_us) {
  values_[count_ % kSize] = value_us;
  ++count_;
  stale_ = true;
}

int64_t LatencyWindow::MedianUs() const {
  if (!stale_) return median_us_;
  std::array<int64_t, kSize> sorted = values_;
  const size_t n = std::min(count_, kSize);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  median_us_ = *middle;
  stale_ = false;
  return median_us_;
}

ProcessorState::ProcessorState(const ProcessorStateOptions& options)
    : options_(options), cap_(options.in_flight_max) {
  TG_ASSERT(options.in_flight_max > 0);
}

bool ProcessorState::OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns) {
  if (health == health_) return false;
  const bool failing_is_news = health.known && health.failing && !health_.failing;
  const bool well_is_news = health.known && !health.failing && health_.failing;
  health_ = health;
  if (failing_is_news && !breaker_open_) {
    Open(now_ns);
    return true;
  }
  if (well_is_news && breaker_open_) next_probe_ns_ = now_ns;
  return false;
}

bool ProcessorState::OnSuccess(int64_t duration_us) {
  latency_.Add(duration_us);
  failures_ = 0;
  if (cap_ < options_.in_flight_max && ++successes_ >= cap_) {
    cap_ = std::min(options_.in_flight_max, cap_ + std::max(1U, cap_ / 8));
    successes_ = 0;
  }
  if (!breaker_open_) return false;
  breaker_open_ = false;
  return true;
}

bool ProcessorState::OnFailure(int64_t now_ns) {
  ++failures_;
  if (breaker_open_ || failures_ < options_.breaker_failures) return false;
  Open(now_ns);
  return true;
}

void ProcessorState::OnOverCapacity(int64_t now_ns) {
  constexpr int64_t kOncePerNs = 100 * base::kNanosPerMilli;
  successes_ = 0;
  if (cap_cut_ns_ != 0 && now_ns - cap_cut_ns_ < kOncePerNs) return;
  cap_cut_ns_ = now_ns;
  cap_ = std::max(1U, cap_ / 2);
}

void ProcessorState::Open(int64_t now_ns) {
  breaker_open_ = true;
  next_probe_ns_ = now_ns + options_.probe_interval_ns;
}

void ProcessorState::Take(int64_t now_ns) {
  ++in_flight_;
  if (breaker_open_) next_probe_ns_ = now_ns + options_.probe_interval_ns;
}

void ProcessorState::GiveBack() {
  TG_ASSERT(in_flight_ > 0);
  --in_flight_;
}

Standing ProcessorState::StandingAt(int64_t now_ns) const {
  if (unresolved_ >= options_.unresolved_max) return Standing::kUnresolvedCap;
  if (in_flight_ >= cap_) return Standing::kFull;
  if (!breaker_open_) return Standing::kOpenForAll;
  return now_ns >= next_probe_ns_ ? Standing::kProbeDue : Standing::kBreakerOpen;
}

ProcessorView ProcessorState::View(int64_t now_ns) const {
  const int64_t health_ms = health_.known ? int64_t{health_.min_response_ms} : 0;
  return {.id = options_.id,
          .fee_ppm = options_.fee_ppm,
          .standing = StandingAt(now_ns),
          .retry_at_ms = next_probe_ns_ / base::kNanosPerMilli + 1,
          .latency_ms = std::max(health_ms, latency_.MedianUs() / 1000),
          .in_flight = in_flight_,
          .in_flight_cap = cap_};
}

}  // namespace tollgate::forward

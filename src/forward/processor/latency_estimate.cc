#include "forward/processor/latency_estimate.h"

namespace tollgate::forward {

int64_t LatencyWindow::MedianUs() const {
  if (count_ == 0) return 0;
  if (!stale_) return median_us_;
  std::array<int64_t, kSize> sorted = values_;
  const size_t n = std::min(count_, kSize);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  median_us_ = *middle;
  stale_ = false;
  return median_us_;
}

void LatencyEstimate::OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns) {
  if (health.known && (!stated_ || int64_t{health.min_response_ms} != stated_ms_)) {
    // The stated delay has changed: older answers say nothing about it.
    window_.Clear();
    newest_sent_ns_ = now_ns;
  }
  stated_ = health.known;
  stated_ms_ = health.known ? int64_t{health.min_response_ms} : 0;
}

void LatencyEstimate::OnDuration(int64_t duration_us, int64_t now_ns) {
  const int64_t sent_ns = now_ns - duration_us * 1000;
  if (sent_ns < newest_sent_ns_) return;
  newest_sent_ns_ = sent_ns;
  window_.Add(duration_us);
  // Weighted by time, not by payments: a slow processor gets fewer of them.
  constexpr double kMemoryNs = 120.0 * base::kNanosPerSecond;
  const auto passed_ns = static_cast<double>(now_ns - usual_at_ns_);
  const double weight = passed_ns / (passed_ns + kMemoryNs);
  usual_us_ += weight * (static_cast<double>(duration_us) - usual_us_);
  usual_at_ns_ = now_ns;
}

}  // namespace tollgate::forward

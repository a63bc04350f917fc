#include "forward/processor/outage_model.h"

namespace tollgate::forward {

void OutageModel::Observe(int64_t latency_ms, int64_t now_ns) {
  const int64_t passed_ns = now_ns - observed_ns_;
  observed_ns_ = now_ns;
  SetAway(latency_ms >= kAwayMs, now_ns);
  if (passed_ns > base::kNanosPerSecond) return;  // the loop was idle: no sample
  pace_.Add(latency_ms, passed_ns);
}

void OutageModel::SetAway(bool away, int64_t now_ns) {
  if (away == away_) return;
  away_ = away;
  if (away) {
    away_since_ns_ = now_ns;
    return;
  }
  outages_ns_ += now_ns - away_since_ns_;
  ++outages_;
}

// The expected rest of an outage or a slow time. Outages end at a constant rate, which is learned
// from those seen, this one included (the posterior mean of an exponential distribution with a
// gamma prior).
int64_t OutageModel::BackInMs(int64_t now_ns) const {
  if (!away_) return 0;
  constexpr int64_t kImagined = 2;  // outages of the expected length, before any was seen
  const int64_t seen_ms = (outages_ns_ + now_ns - away_since_ns_) / base::kNanosPerMilli;
  return (kImagined * expected_ms_ + seen_ms) / (kImagined + outages_);
}

}  // namespace tollgate::forward

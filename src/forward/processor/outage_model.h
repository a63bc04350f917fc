// OutageModel learns from a processor's past how long it is away (out of order, or slow), and in
// which share of the time answers took longer than a given latency.
//
// Thread: one worker's.
#pragma once

#include <cstdint>

#include "forward/processor/latency_histogram.h"
#include "tollgate/base/clock.h"

namespace tollgate::forward {

// All times are monotonic nanoseconds.
class OutageModel {
 public:
  // The latency from which on a processor is away; also used for one that is out of order.
  static constexpr int64_t kAwayMs = LatencyHistogram::kSlowMs;

  // `expected_ms`: the expected length of an outage before any was seen.
  explicit OutageModel(int64_t expected_ms) : expected_ms_(expected_ms) {}

  // True if it is time to Observe: ten times a second is enough.
  bool IsDue(int64_t now_ns) const { return now_ns - observed_ns_ >= kStepNs; }
  // `latency_ms` of a payment sent now: kAwayMs or more while it is out of order.
  void Observe(int64_t latency_ms, int64_t now_ns);
  // It is away from now on, or back.
  void SetAway(bool away, int64_t now_ns);

  // How long it is likely to stay away, in milliseconds; 0: it is not away.
  int64_t BackInMs(int64_t now_ns) const;
  bool away() const { return away_; }
  // The share of the time in which answers took longer than `latency_ms`, in millionths. O(1).
  int64_t SlowerPpm(int64_t latency_ms) const { return pace_.SlowerPpm(latency_ms); }

 private:
  static constexpr int64_t kStepNs = 100 * base::kNanosPerMilli;

  const int64_t expected_ms_;
  int64_t observed_ns_ = 0;  // pace_ counts up to here
  LatencyHistogram pace_;
  bool away_ = false;
  int64_t away_since_ns_ = 0;
  int64_t outages_ns_ = 0;  // total of all times away that have ended
  int64_t outages_ = 0;     // how many
};

}  // namespace tollgate::forward

// ArrivalRate: how fast payments arrive, and whether they have stopped arriving. It learns from
// what a forwarder takes and what waits to be taken.
//
// Thread: one worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::forward {

class ArrivalRate {
 public:
  void OnTaken() { ++taken_; }
  // `in_line`: this forwarder's share of the payments that wait to be taken. Call it every turn.
  void Observe(int64_t now_ns, size_t in_line) {
    in_line_ = static_cast<int64_t>(in_line);
    if (now_ns - observed_ns_ < kIntervalNs) return;
    const int64_t came = taken_ + in_line_ - in_line_before_;
    if (came <= 0) return;  // a gap is counted when it ends
    const double interval_s = static_cast<double>(now_ns - observed_ns_) / 1e9;
    const double weight = interval_s / (interval_s + kMemoryS);
    per_s_ += weight * (static_cast<double>(came) / interval_s - per_s_);
    observed_ns_ = now_ns;
    taken_ = 0;
    in_line_before_ = in_line_;
  }
  int64_t per_s() const { return static_cast<int64_t>(per_s_); }
  int64_t in_line() const { return in_line_; }
  // True if many payments would have arrived since the last one at the present rate.
  bool Ended(int64_t now_ns) const {
    const int64_t gap_ns = now_ns - observed_ns_;
    return gap_ns >= kEndedNs && per_s_ * static_cast<double>(gap_ns) / 1e9 >= kMissed;
  }

 private:
  static constexpr int64_t kIntervalNs = 50 * base::kNanosPerMilli;
  static constexpr double kMemoryS = 1.0;
  static constexpr int64_t kEndedNs = 250 * base::kNanosPerMilli;
  static constexpr double kMissed = 20;

  double per_s_ = 0;
  int64_t observed_ns_ = 0;
  int64_t taken_ = 0;  // since observed_ns_
  int64_t in_line_ = 0;
  int64_t in_line_before_ = 0;
};

}  // namespace tollgate::forward

// LatencyHistogram: how much time a processor has spent at which latency. It says in which share of
// the time answers took longer than a given latency.
//
// Thread: one worker's.
// Invariants: a prior of one minute counts as seen; ten minutes are remembered.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::forward {

class LatencyHistogram {
 public:
  // A second or more counts as out of order: such a processor could not help soon.
  static constexpr int64_t kSlowMs = 1'024;

  // The prior: a quarter of the time slow or out of order, the rest evenly at all latencies.
  LatencyHistogram() {
    constexpr int64_t kImaginedNs = 60 * base::kNanosPerSecond;
    spent_ns_.fill(kImaginedNs * 3 / 4 / (kBands - 1));
    spent_ns_.back() = kImaginedNs / 4;
    Sum();
  }

  // `latency_ms`: kSlowMs or more while it was out of order.
  void Add(int64_t latency_ms, int64_t passed_ns) {
    constexpr int64_t kRememberedNs = 600 * base::kNanosPerSecond;
    spent_ns_[BandIndex(latency_ms)] += passed_ns;
    if (Sum() <= kRememberedNs) return;
    for (int64_t& ns : spent_ns_) ns = ns / 8 * 7;
  }

  // In millionths; `latency_ms` is rounded up to a power of two. O(1).
  int64_t SlowerPpm(int64_t latency_ms) const { return slower_ppm_[BandIndex(latency_ms)]; }

 private:
  // Band i holds latencies of up to 2^i ms, the last band the rest.
  static constexpr size_t kBands = 12;
  static_assert(int64_t{1} << (kBands - 2) == kSlowMs);
  static size_t BandIndex(int64_t latency_ms) {
    return std::min<size_t>(std::bit_width(static_cast<uint64_t>(latency_ms)), kBands - 1);
  }
  // Returns the total time; updates what SlowerPpm returns.
  int64_t Sum() {
    int64_t total = 0;
    for (const int64_t ns : spent_ns_) total += ns;
    int64_t slower = 0;
    for (size_t i = kBands; i-- > 0;) {
      slower_ppm_[i] = slower / 1'000 * 1'000'000 / (total / 1'000);
      slower += spent_ns_[i];
    }
    return total;
  }

  std::array<int64_t, kBands> spent_ns_;
  std::array<int64_t, kBands> slower_ppm_{};
};

}  // namespace tollgate::forward

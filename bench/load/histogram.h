// Histogram: times in nanoseconds, in buckets whose width grows with the value (128 for every
// doubling), so that any quantile is right to within 0.8 % at a constant 58 KiB.
//
// Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tollgate::bench {

class Histogram {
 public:
  // REQUIRES: ns >= 0.
  void Add(int64_t ns);
  // The upper end of the bucket that the share `quantile` (0 to 1) of all values reaches; 0 if
  // there are none. Never above max().
  int64_t Quantile(double quantile) const;
  int64_t max() const { return max_; }
  int64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  static constexpr int kSubBits = 7;
  static constexpr size_t kSub = size_t{1} << kSubBits;
  static size_t Bucket(uint64_t ns);
  static int64_t UpperEnd(size_t bucket);

  std::array<int64_t, (64 - kSubBits) * kSub> counts_{};
  int64_t count_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace tollgate::bench

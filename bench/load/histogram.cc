#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tollgate/base/assert.h"

namespace tollgate::bench {

// Values below 2 * kSub have a bucket each; above, the top kSubBits + 1 bits choose it.
size_t Histogram::Bucket(uint64_t ns) {
  if (ns < 2 * kSub) return ns;
  const size_t shift = static_cast<size_t>(std::bit_width(ns)) - kSubBits - 1;
  return shift * kSub + static_cast<size_t>(ns >> shift);
}

int64_t Histogram::UpperEnd(size_t bucket) {
  if (bucket < 2 * kSub) return static_cast<int64_t>(bucket);
  const size_t shift = bucket / kSub - 1;
  return static_cast<int64_t>(((bucket - shift * kSub + 1) << shift) - 1);
}

void Histogram::Add(int64_t ns) {
  TG_ASSERT(ns >= 0);
  ++counts_[Bucket(static_cast<uint64_t>(ns))];
  ++count_;
  sum_ += static_cast<double>(ns);
  max_ = std::max(max_, ns);
}

int64_t Histogram::Quantile(double quantile) const {
  const auto rank = static_cast<int64_t>(std::ceil(quantile * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= std::max<int64_t>(rank, 1)) return std::min(UpperEnd(bucket), max_);
  }
  return max_;
}

}  // namespace tollgate::bench

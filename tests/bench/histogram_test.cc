#include "bench/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tollgate/base/random.h"

namespace tollgate::bench {
namespace {

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t ns = 1; ns <= 200; ++ns) histogram.Add(ns);
  EXPECT_EQ(histogram.Quantile(0.5), 100);
  EXPECT_EQ(histogram.Quantile(0.99), 198);
  EXPECT_EQ(histogram.Quantile(1), 200);
  EXPECT_EQ(histogram.Quantile(0), 1);
  EXPECT_EQ(histogram.count(), 200);
  EXPECT_DOUBLE_EQ(histogram.mean(), 100.5);
}

TEST(Histogram, NothingIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Quantile(0.99), 0);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(Histogram, EveryQuantileIsRightToOnePercent) {
  base::Random random(1);
  Histogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    // From nanoseconds to minutes.
    const auto value = static_cast<int64_t>(random.Below(uint64_t{1} << (1 + random.Below(36))));
    values.push_back(value);
    histogram.Add(value);
  }
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(quantile * 20'000)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    const auto found = static_cast<double>(histogram.Quantile(quantile));
    EXPECT_GE(found, exact) << quantile;
    EXPECT_LE(found, exact * 1.01 + 1) << quantile;
  }
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, TakesTheLongestTimeThereIs) {
  Histogram histogram;
  histogram.Add(INT64_MAX);
  EXPECT_EQ(histogram.Quantile(0.5), INT64_MAX);
}

}  // namespace
}  // namespace tollgate::bench

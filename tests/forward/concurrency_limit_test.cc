#include "forward/processor/concurrency_limit.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

using base::kNanosPerMilli;

constexpr int64_t kNowNs = 1'000 * base::kNanosPerSecond;

TEST(ConcurrencyLimitTest, IsFullAtItsCap) {
  ConcurrencyLimit limit(2);
  limit.Take();
  EXPECT_FALSE(limit.full());
  limit.Take();
  EXPECT_TRUE(limit.full());
  limit.GiveBack();
  EXPECT_EQ(limit.in_flight(), 1U);
  EXPECT_FALSE(limit.full());
}

TEST(ConcurrencyLimitTest, AWaveHalvesItOnce) {
  ConcurrencyLimit limit(16);
  EXPECT_TRUE(limit.BeginWave(kNowNs, kNowNs));
  EXPECT_EQ(limit.cap(), 8U);
  EXPECT_FALSE(limit.BeginWave(kNowNs + 1, kNowNs + 99 * kNanosPerMilli)) << "too soon";
  EXPECT_FALSE(limit.BeginWave(kNowNs - 1, kNowNs + 400 * kNanosPerMilli)) << "sent before";
  EXPECT_EQ(limit.cap(), 8U);
  EXPECT_TRUE(limit.BeginWave(kNowNs, kNowNs + 100 * kNanosPerMilli));
  EXPECT_EQ(limit.cap(), 4U);
}

TEST(ConcurrencyLimitTest, OneIsTheLeast) {
  ConcurrencyLimit limit(2);
  for (int64_t i = 0; i < 3; ++i) {
    limit.BeginWave(kNowNs + i * base::kNanosPerSecond, kNowNs + i * base::kNanosPerSecond);
  }
  EXPECT_EQ(limit.cap(), 1U);
}

TEST(ConcurrencyLimitTest, AsManySuccessesAsItAllowsRaiseItByAnEighth) {
  ConcurrencyLimit limit(32);
  limit.BeginWave(kNowNs, kNowNs);
  for (int i = 0; i < 15; ++i) limit.OnSuccess();
  EXPECT_EQ(limit.cap(), 16U);
  limit.OnRefusal();
  for (int i = 0; i < 15; ++i) limit.OnSuccess();
  EXPECT_EQ(limit.cap(), 16U) << "counted anew since the refusal";
  limit.OnSuccess();
  EXPECT_EQ(limit.cap(), 18U);
  for (int i = 0; i < 500; ++i) limit.OnSuccess();
  EXPECT_EQ(limit.cap(), 32U);
}

TEST(ConcurrencyLimitTest, AnotherMaximumLeavesWhatA429HasLowered) {
  ConcurrencyLimit limit(16);
  limit.SetMax(32);
  EXPECT_EQ(limit.cap(), 32U);
  limit.BeginWave(kNowNs, kNowNs);
  limit.SetMax(20);
  EXPECT_EQ(limit.cap(), 16U);
  limit.SetMax(4);
  EXPECT_EQ(limit.cap(), 4U);
}

}  // namespace
}  // namespace tollgate::forward

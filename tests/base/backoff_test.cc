#include "tollgate/base/backoff.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace tollgate::base {
namespace {

constexpr BackoffRange kRange{.min_ms = 10, .max_ms = 500};

std::vector<int64_t> Delays(Backoff& backoff, int failures) {
  std::vector<int64_t> delays;
  for (int i = 0; i < failures; ++i) delays.push_back(backoff.NextMs(kRange));
  return delays;
}

TEST(Backoff, DoublesFromMinToMax) {
  Backoff backoff;
  EXPECT_EQ(Delays(backoff, 8), (std::vector<int64_t>{10, 20, 40, 80, 160, 320, 500, 500}));
}

TEST(Backoff, IsResetBySuccess) {
  Backoff backoff;
  Delays(backoff, 5);
  EXPECT_EQ(backoff.failures(), 5);
  backoff.Reset();
  EXPECT_EQ(backoff.failures(), 0);
  EXPECT_EQ(Delays(backoff, 2), (std::vector<int64_t>{10, 20}));
}

TEST(Backoff, AskingForTheDelayCountsNoFailure) {
  Backoff backoff;
  backoff.CountFailure();
  EXPECT_EQ(backoff.DelayMs(kRange), 20);
  EXPECT_EQ(backoff.DelayMs(kRange), 20);
}

// The count is one byte: it stops, so that the delay never falls back to its start or overflows.
TEST(Backoff, StaysAtMaxAfterAnyNumberOfFailures) {
  Backoff backoff;
  for (int i = 0; i < 1'000; ++i) backoff.CountFailure();
  EXPECT_EQ(backoff.failures(), Backoff::kFailuresMax);
  EXPECT_EQ(backoff.DelayMs(kRange), 500);
  constexpr int64_t kMaxMs = (int64_t{1} << 47) - 1;
  EXPECT_EQ(backoff.DelayMs({.min_ms = kMaxMs, .max_ms = kMaxMs}), kMaxMs);
}

TEST(Backoff, ARangeOfOneDelayIsThatDelay) {
  Backoff backoff;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(backoff.NextMs({.min_ms = 7, .max_ms = 7}), 7);
}

TEST(WithJitter, KeepsHalfAndSpreadsTheRest) {
  Random random(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(WithJitter(20, random));
  EXPECT_EQ(seen, (std::set<int64_t>{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}));
}

// The simulations replay by seed.
TEST(WithJitter, DrawsOnceAlsoForNoDelay) {
  Random random(9);
  Random same(9);
  EXPECT_EQ(WithJitter(0, random), 0);
  EXPECT_EQ(WithJitter(1, random), 0);
  same.Next();
  same.Next();
  EXPECT_EQ(random.Next(), same.Next());
}

}  // namespace
}  // namespace tollgate::base

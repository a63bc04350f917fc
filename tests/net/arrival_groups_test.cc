#include "tollgate/net/arrival_groups.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::net {
namespace {

constexpr int64_t kGapNs = 25 * base::kNanosPerMilli;

class ArrivalGroupsTest : public ::testing::Test {
 protected:
  // A group of `size`, `pause_ms` after the last arrival, a millisecond apart: what its first was
  // said to be.
  bool Group(int size, int64_t pause_ms = 200) {
    now_ns_ += pause_ms * base::kNanosPerMilli;
    const bool alone = groups_.OnArrival(now_ns_);
    for (int i = 1; i < size; ++i) {
      now_ns_ += base::kNanosPerMilli;
      EXPECT_FALSE(groups_.OnArrival(now_ns_)) << "it came in company";
    }
    return alone;
  }
  // How many payments that come alone it takes until one is expected to.
  int LearnsIn() {
    int count = 0;
    while (!Group(1) && count < 100) ++count;
    return count;
  }

  ArrivalGroups groups_{kGapNs};
  int64_t now_ns_ = base::kNanosPerSecond;
};

TEST_F(ArrivalGroupsTest, AtFirstCompanyIsExpectedAndSoonNoMore) {
  EXPECT_FALSE(Group(1));
  EXPECT_LE(LearnsIn(), 8);
  EXPECT_TRUE(Group(1));
}

TEST_F(ArrivalGroupsTest, OneBurstMakesTheNextPaymentsWait) {
  LearnsIn();
  Group(40);
  EXPECT_FALSE(Group(1));
  EXPECT_LE(LearnsIn(), 8) << "however large the burst was";
}

TEST_F(ArrivalGroupsTest, BurstsAreExpectedToGoOn) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Group(40));
}

// A second payment now and then is no reason to have all wait.
TEST_F(ArrivalGroupsTest, APairNowAndThenIsNoCompany) {
  LearnsIn();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Group(i % 3 == 0 ? 2 : 1)) << i;
}

TEST_F(ArrivalGroupsTest, WhatComesWithinTheGapBelongsToTheGroup) {
  for (int i = 0; i < 20; ++i) Group(3);
  EXPECT_FALSE(Group(1, 25)) << "at the very gap";
  EXPECT_FALSE(Group(1, 26)) << "three and more came each time";
}

}  // namespace
}  // namespace tollgate::net

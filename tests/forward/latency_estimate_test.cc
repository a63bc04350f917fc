#include "forward/processor/latency_estimate.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

using base::kNanosPerMilli;

class LatencyEstimateTest : public ::testing::Test {
 protected:
  void Pass(int64_t ms) { now_ns_ += ms * kNanosPerMilli; }
  void Answer(int64_t after_ms) {
    latency_.OnSent(now_ns_);
    Pass(after_ms);
    latency_.OnEnded(true, now_ns_);
    latency_.OnDuration(after_ms * 1000, now_ns_);
  }
  void State(uint32_t min_response_ms) {
    latency_.OnHealth({.known = true, .min_response_ms = min_response_ms}, now_ns_);
  }
  int64_t Ms() const { return latency_.Ms(now_ns_); }

  int64_t now_ns_ = 1'000 * base::kNanosPerSecond;
  LatencyEstimate latency_;
};

TEST(LatencyWindowTest, IsTheMedianOfTheLast32) {
  LatencyWindow window;
  EXPECT_EQ(window.MedianUs(), 0);
  for (const int64_t us : {30, 10, 20}) window.Add(us);
  EXPECT_EQ(window.MedianUs(), 20);
  for (int i = 0; i < 32; ++i) window.Add(7);
  EXPECT_EQ(window.MedianUs(), 7);
  window.Clear();
  EXPECT_TRUE(window.empty());
}

TEST_F(LatencyEstimateTest, IsThatOfTheLastAnswersAndOfHealthWhereItIsNewer) {
  EXPECT_EQ(Ms(), 0);
  Answer(10);
  EXPECT_EQ(Ms(), 10);
  State(2'000);
  EXPECT_EQ(Ms(), 2'000);
  Answer(5);
  EXPECT_EQ(Ms(), 5);
  State(2'000);
  EXPECT_EQ(Ms(), 5) << "no news";
  State(100);
  EXPECT_EQ(Ms(), 100);
  latency_.OnHealth({}, now_ns_);  // no instance asks any more
  EXPECT_EQ(Ms(), 0);
}

TEST_F(LatencyEstimateTest, AnAnswerThatWasOvertakenSaysNothing) {
  Answer(5);
  latency_.OnDuration(3'000'000, now_ns_);
  EXPECT_EQ(Ms(), 5);
}

TEST_F(LatencyEstimateTest, SilenceCountsAndStallsAfterAWhile) {
  Answer(10);
  latency_.OnSent(now_ns_);
  latency_.OnSent(now_ns_);
  Pass(170);
  EXPECT_EQ(Ms(), 170);
  EXPECT_FALSE(latency_.Stalled(now_ns_)) << "150 ms, and twice what it takes";
  Pass(1);
  EXPECT_TRUE(latency_.Stalled(now_ns_));
  latency_.OnEnded(false, now_ns_);
  EXPECT_TRUE(latency_.Stalled(now_ns_)) << "nothing was answered";
  latency_.OnEnded(false, now_ns_);
  EXPECT_FALSE(latency_.Stalled(now_ns_)) << "nothing is asked";
  EXPECT_EQ(Ms(), 10);
}

TEST_F(LatencyEstimateTest, APauseIsFromTheFirstUnusualSilenceUntilItStalls) {
  Answer(10);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 0) << "nothing is asked";
  latency_.OnSent(now_ns_);
  Pass(40);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 0) << "20 ms, and twice what it takes";
  Pass(1);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 130);
  Pass(129);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 1);
  EXPECT_FALSE(latency_.Stalled(now_ns_));
  Pass(1);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 0);
  EXPECT_TRUE(latency_.Stalled(now_ns_));
  latency_.OnEnded(true, now_ns_);
  latency_.OnSent(now_ns_);
  Pass(41);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 130);
  latency_.OnEnded(true, now_ns_);
  EXPECT_EQ(latency_.PauseLeftMs(now_ns_), 0) << "it has answered";
}

TEST_F(LatencyEstimateTest, AnyAnswerEndsTheSilence) {
  latency_.OnSent(now_ns_);
  latency_.OnSent(now_ns_);
  Pass(500);
  latency_.OnEnded(true, now_ns_);
  EXPECT_FALSE(latency_.Stalled(now_ns_));
  EXPECT_EQ(Ms(), 0);
}

TEST_F(LatencyEstimateTest, WhatIsUsualFollowsOverMinutes) {
  for (int i = 0; i < 6'000; ++i) Answer(100);
  EXPECT_NEAR(static_cast<double>(latency_.UsualMs()), 100, 5);
  for (int i = 0; i < 10; ++i) Answer(1'000);
  EXPECT_LT(latency_.UsualMs(), 200);
}

}  // namespace
}  // namespace tollgate::forward

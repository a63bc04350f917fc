#include "forward/processor/circuit_breaker.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

using base::kNanosPerMilli;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  bool Fail() { return breaker_.OnFailure(now_ns_, now_ns_); }
  void Open() {
    while (!Fail()) {
    }
  }
  void Pass(int64_t ms) { now_ns_ += ms * kNanosPerMilli; }

  int64_t now_ns_ = 1'000 * base::kNanosPerSecond;
  CircuitBreaker breaker_{3, 250 * kNanosPerMilli};
};

TEST_F(CircuitBreakerTest, OpensAtSoManyFailuresInARow) {
  Fail();
  Fail();
  EXPECT_FALSE(breaker_.OnSuccess(now_ns_, now_ns_));
  EXPECT_FALSE(Fail());
  EXPECT_FALSE(Fail());
  EXPECT_FALSE(breaker_.open());
  EXPECT_TRUE(Fail());
  EXPECT_TRUE(breaker_.open());
  EXPECT_EQ(breaker_.failures(), 3U);
  EXPECT_FALSE(Fail()) << "no news";
}

TEST_F(CircuitBreakerTest, OpensAtSoManyWavesOf429WithoutASuccess) {
  EXPECT_FALSE(breaker_.OnWave(now_ns_, now_ns_));
  EXPECT_FALSE(breaker_.OnWave(now_ns_, now_ns_));
  breaker_.OnSuccess(now_ns_, now_ns_);
  EXPECT_FALSE(breaker_.OnWave(now_ns_, now_ns_));
  EXPECT_FALSE(breaker_.OnWave(now_ns_, now_ns_));
  EXPECT_TRUE(breaker_.OnWave(now_ns_, now_ns_));
}

TEST_F(CircuitBreakerTest, OneSuccessOfWhatWasSentSinceItOpenedClosesIt) {
  const int64_t before_ns = now_ns_;
  Pass(10);
  Open();
  Pass(10);
  EXPECT_FALSE(breaker_.OnSuccess(before_ns, now_ns_));
  EXPECT_TRUE(breaker_.open());
  EXPECT_TRUE(breaker_.OnSuccess(now_ns_, now_ns_));
  EXPECT_FALSE(breaker_.open());
  EXPECT_EQ(breaker_.failures(), 0U);
}

TEST_F(CircuitBreakerTest, WhatWasSentBeforeItClosedDoesNotOpenIt) {
  Open();
  Pass(10);
  const int64_t before_ns = now_ns_;
  Pass(10);
  breaker_.Close(now_ns_);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(breaker_.OnFailure(before_ns, now_ns_));
    EXPECT_FALSE(breaker_.OnWave(before_ns, now_ns_));
  }
}

TEST_F(CircuitBreakerTest, LetsOneProbeThroughPerInterval) {
  Open();
  EXPECT_EQ(breaker_.next_probe_ns(), now_ns_ + 250 * kNanosPerMilli);
  Pass(300);
  breaker_.OnTaken(now_ns_);
  EXPECT_EQ(breaker_.next_probe_ns(), now_ns_ + 250 * kNanosPerMilli);
}

TEST_F(CircuitBreakerTest, NoProbeBeforeTheProcessorWantsToBeAskedAgain) {
  breaker_.OnRetryAfter(now_ns_ + 2'000 * kNanosPerMilli);
  EXPECT_EQ(breaker_.AskedToWaitMs(now_ns_), 0) << "it is closed";
  Open();
  EXPECT_EQ(breaker_.next_probe_ns(), now_ns_ + 2'000 * kNanosPerMilli);
  EXPECT_EQ(breaker_.AskedToWaitMs(now_ns_), 2'000);
  breaker_.OnRetryAfter(now_ns_ + 3'000 * kNanosPerMilli);
  breaker_.OnTaken(now_ns_);
  EXPECT_EQ(breaker_.next_probe_ns(), now_ns_ + 3'000 * kNanosPerMilli);
  breaker_.Close(now_ns_);
  Open();
  EXPECT_EQ(breaker_.next_probe_ns(), now_ns_ + 250 * kNanosPerMilli) << "forgotten once it works";
}

}  // namespace
}  // namespace tollgate::forward

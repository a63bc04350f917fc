// What a forwarder learns of a processor: breaker, latency, capacity, outages; and of the traffic.
#include "forward/processor_state.h"

#include <gtest/gtest.h>

#include "forward/arrival_rate.h"
#include "tollgate/base/clock.h"
#include "tollgate/forward/forwarder.h"

namespace tollgate::forward {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;

class ProcessorStateTest : public ::testing::Test {
 protected:
  ProcessorStateTest()
      : state_({.in_flight_max = 16,
                .unresolved_max = 4,
                .breaker_failures = 3,
                .probe_interval_ns = 250 * kNanosPerMilli,
                .outage_expected_ms = 20'000}) {}
  void Pass(int64_t ms) {
    // As the pump does: it reads health at short intervals.
    for (; ms > 0; ms -= 100) {
      now_ns_ += std::min<int64_t>(ms, 100) * kNanosPerMilli;
      state_.OnHealth(health_, now_ns_);
    }
  }
  void Answer(int64_t after_ms) {
    state_.Take(now_ns_);
    state_.OnSent(now_ns_);
    now_ns_ += after_ms * kNanosPerMilli;
    state_.GiveBack();
    state_.OnEnded(true, now_ns_);
    state_.OnSuccess(after_ms * 1000, now_ns_);
  }
  void Fail(int times) {
    for (int i = 0; i < times; ++i) state_.OnFailure(0, now_ns_);
  }
  ProcessorView View() const { return state_.View(now_ns_, in_line_); }

  int64_t now_ns_ = 1'000 * kNanosPerSecond;
  upstream::ProcessorHealth health_;
  int64_t in_line_ = 0;
  ProcessorState state_;
};

TEST_F(ProcessorStateTest, AFewFailuresInARowOpenTheBreakerAndOneSuccessClosesIt) {
  Fail(2);
  Answer(1);
  Fail(2);
  EXPECT_EQ(View().availability, Availability::kOpenForAll) << "not in a row";
  Fail(1);
  EXPECT_EQ(View().availability, Availability::kBreakerOpen);
  Answer(1);
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
}

TEST_F(ProcessorStateTest, WhatWasSentBeforeTheBreakerChangedDoesNotChangeItBack) {
  const int64_t before_ns = now_ns_;
  const auto duration_us = [&] { return (now_ns_ - before_ns) / 1000; };
  now_ns_ += 10 * kNanosPerMilli;
  Fail(3);
  now_ns_ += 10 * kNanosPerMilli;
  EXPECT_FALSE(state_.OnSuccess(duration_us(), now_ns_));
  EXPECT_TRUE(state_.breaker_open()) << "as it was before the failures";
  EXPECT_EQ(state_.failures(), 3U);
  Answer(1);
  ASSERT_FALSE(state_.breaker_open());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(state_.OnFailure(duration_us(), now_ns_));
  EXPECT_FALSE(state_.breaker_open()) << "as it was before it worked again";
  Fail(3);
  EXPECT_TRUE(state_.breaker_open());
}

TEST_F(ProcessorStateTest, OneProbePerInterval) {
  Fail(3);
  now_ns_ += 250 * kNanosPerMilli;
  ASSERT_EQ(View().availability, Availability::kProbeDue);
  state_.Take(now_ns_);
  EXPECT_EQ(View().availability, Availability::kBreakerOpen);
  now_ns_ += 250 * kNanosPerMilli;
  EXPECT_EQ(View().availability, Availability::kProbeDue);
}

TEST_F(ProcessorStateTest, HealthOpensAndClosesTheBreakerWhenItIsNews) {
  health_ = {.known = true, .failing = true, .min_response_ms = 0};
  EXPECT_TRUE(state_.OnHealth(health_, now_ns_));
  EXPECT_EQ(View().availability, Availability::kBreakerOpen);
  Answer(1);  // payments are more reliable than health
  EXPECT_FALSE(state_.OnHealth(health_, now_ns_));
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
  Fail(3);
  health_.failing = false;
  EXPECT_TRUE(state_.OnHealth(health_, now_ns_));
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
}

TEST_F(ProcessorStateTest, LatencyIsThatOfTheLastAnswersAndHealthWhereItIsNewer) {
  EXPECT_EQ(View().latency_ms, 0);
  for (int i = 0; i < 32; ++i) Answer(10);
  EXPECT_EQ(View().latency_ms, 10);
  for (int i = 0; i < 20; ++i) Answer(30);
  EXPECT_EQ(View().latency_ms, 30);
  health_ = {.known = true, .failing = false, .min_response_ms = 2'000};
  state_.OnHealth(health_, now_ns_);
  EXPECT_EQ(View().latency_ms, 2'000);
  Answer(5);
  EXPECT_EQ(View().latency_ms, 5);
}

TEST_F(ProcessorStateTest, WhoseHealthSaysFailingIsToldOut) {
  EXPECT_FALSE(View().reported_failing);
  health_ = {.known = true, .failing = true, .min_response_ms = 0};
  state_.OnHealth(health_, now_ns_);
  EXPECT_TRUE(View().reported_failing);
  state_.OnHealth({}, now_ns_);  // no instance asks any more
  EXPECT_FALSE(View().reported_failing);
}

TEST_F(ProcessorStateTest, AnAnswerThatWasOvertakenSaysNothingOfNow) {
  Answer(5);
  state_.OnSuccess(3'000'000, now_ns_);  // sent three seconds ago
  EXPECT_EQ(View().latency_ms, 5);
}

TEST_F(ProcessorStateTest, WhoDoesNotAnswerBecomesSlowAndThenSuspect) {
  Answer(10);
  state_.Take(now_ns_);
  state_.OnSent(now_ns_);
  now_ns_ += 100 * kNanosPerMilli;
  EXPECT_EQ(View().latency_ms, 100);
  EXPECT_FALSE(View().stalled);
  now_ns_ += 100 * kNanosPerMilli;
  EXPECT_TRUE(View().stalled);
  state_.OnEnded(false, now_ns_);
  EXPECT_FALSE(View().stalled);
}

// The ledger may delay a POST after its place was taken.
TEST_F(ProcessorStateTest, SilenceBeginsWhenAPaymentIsSentNotWhenItTakesItsPlace) {
  Answer(10);
  state_.Take(now_ns_);
  now_ns_ += 8 * kNanosPerSecond;
  EXPECT_EQ(View().latency_ms, 10);
  EXPECT_FALSE(View().stalled);
  state_.OnSent(now_ns_);
  now_ns_ += 15 * kNanosPerMilli;
  EXPECT_EQ(View().latency_ms, 15);
  EXPECT_FALSE(View().stalled);
}

TEST_F(ProcessorStateTest, ALookAtAnUnknownOutcomeIsNoSilence) {
  Answer(10);
  now_ns_ += 60 * kNanosPerSecond;
  state_.TakeForRecheck();
  EXPECT_EQ(View().latency_ms, 10);
  EXPECT_FALSE(View().stalled);
}

TEST_F(ProcessorStateTest, AnAnswerThatRefusesEndsASilenceToo) {
  Answer(10);
  now_ns_ += 10 * kNanosPerSecond;
  for (int i = 0; i < 2; ++i) state_.OnSent(now_ns_);
  now_ns_ += 500 * kNanosPerMilli;
  EXPECT_TRUE(View().stalled);
  state_.OnEnded(true, now_ns_);
  EXPECT_FALSE(View().stalled);
}

TEST_F(ProcessorStateTest, ASampleIsDueWhenNothingWasSentForAWhile) {
  Answer(10);
  EXPECT_FALSE(View().sample_due);
  now_ns_ += 260 * kNanosPerMilli;
  EXPECT_TRUE(View().sample_due);
}

TEST_F(ProcessorStateTest, TheLengthOfOutagesIsLearned) {
  EXPECT_EQ(View().recovers_in_ms, 0);
  Fail(3);
  EXPECT_EQ(View().recovers_in_ms, 20'000) << "as imagined";
  now_ns_ += 20 * kNanosPerSecond;
  EXPECT_EQ(View().recovers_in_ms, 30'000) << "the longer it lasts, the longer it is thought to";
  Answer(1);
  EXPECT_EQ(View().recovers_in_ms, 0);
  for (int i = 0; i < 20; ++i) {
    Fail(3);
    now_ns_ += kNanosPerSecond;
    Answer(1);
  }
  Fail(3);
  EXPECT_LT(View().recovers_in_ms, 4'000) << "they are short";
}

TEST_F(ProcessorStateTest, WeaknessIsTheShareOfTimeThatItCouldNotHaveHelped) {
  EXPECT_NEAR(static_cast<double>(View().unavailable_ppm), 250'000, 3'000) << "nothing is known";
  Pass(540'000);
  EXPECT_NEAR(static_cast<double>(View().unavailable_ppm), 25'000, 3'000) << "always well";
  Fail(3);
  EXPECT_EQ(View().unavailable_ppm, 1'000'000) << "now it could not";
  Pass(300'000);
  Answer(1);
  EXPECT_GT(View().unavailable_ppm, 300'000);
  EXPECT_LT(View().unavailable_ppm, 600'000);
}

// 16 at once in 100 ms: 160 in a second.
TEST_F(ProcessorStateTest, ALongLineNeedsAQuickProcessor) {
  for (int i = 0; i < 600; ++i) {
    Answer(100);
    Pass(900);
  }
  EXPECT_LT(View().unavailable_ppm, 50'000);
  in_line_ = 100;
  EXPECT_LT(View().unavailable_ppm, 50'000);
  in_line_ = 1'000;
  EXPECT_EQ(View().unavailable_ppm, 1'000'000) << "at this pace it could not";
  for (int i = 0; i < 32; ++i) Answer(1);
  EXPECT_GT(View().unavailable_ppm, 800'000) << "now it could, but it hardly ever could";
}

TEST_F(ProcessorStateTest, BeingSlowEndsAsAnOutageDoes) {
  health_ = {.known = true, .failing = false, .min_response_ms = 2'000};
  state_.OnHealth(health_, now_ns_);
  Pass(100);
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
  EXPECT_NEAR(static_cast<double>(View().recovers_in_ms), 20'000, 200);
  Pass(20'000);
  EXPECT_NEAR(static_cast<double>(View().recovers_in_ms), 30'000, 200);
  Fail(3);
  EXPECT_NEAR(static_cast<double>(View().recovers_in_ms), 30'000, 200) << "it is the same trouble";
  Answer(5);
  EXPECT_EQ(View().recovers_in_ms, 0);
}

TEST_F(ProcessorStateTest, ATooManyRequestsHalvesTheCapAndSuccessesRaiseIt) {
  EXPECT_FALSE(state_.OnOverCapacity(0, 0, now_ns_));
  EXPECT_EQ(state_.cap(), 8U);
  state_.OnOverCapacity(0, 0, now_ns_ + kNanosPerMilli);
  EXPECT_EQ(state_.cap(), 8U) << "the same wave";
  state_.OnOverCapacity(500'000, 0, now_ns_ + 400 * kNanosPerMilli);
  EXPECT_EQ(state_.cap(), 8U) << "sent before the wave was seen";
  for (int i = 0; i < 200; ++i) Answer(1);
  EXPECT_EQ(state_.cap(), 16U);
}

TEST_F(ProcessorStateTest, WavesOf429WithoutASuccessOpenTheBreaker) {
  const auto wave = [&] {
    now_ns_ += 150 * kNanosPerMilli;
    bool opened = false;
    for (int i = 0; i < 50; ++i) opened |= state_.OnOverCapacity(1'000, 0, now_ns_);
    return opened;
  };
  EXPECT_FALSE(wave());
  EXPECT_FALSE(wave());
  Answer(1);
  EXPECT_FALSE(wave()) << "it takes some: a matter of capacity";
  EXPECT_FALSE(wave());
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
  EXPECT_TRUE(wave());
  EXPECT_EQ(View().availability, Availability::kBreakerOpen);
  const uint32_t cap = state_.cap();
  EXPECT_FALSE(wave()) << "a probe";
  EXPECT_EQ(state_.cap(), cap) << "says nothing of how many it takes at once";
  Answer(1);
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
  EXPECT_FALSE(wave()) << "a new row";
}

TEST_F(ProcessorStateTest, AProbeWaitsForAsLongAsTheProcessorWantsToBeLeftAlone) {
  for (int i = 0; i < 3; ++i) {
    now_ns_ += 150 * kNanosPerMilli;
    state_.OnOverCapacity(0, 2'000, now_ns_);
  }
  ASSERT_TRUE(state_.breaker_open());
  now_ns_ += 1'990 * kNanosPerMilli;
  EXPECT_EQ(View().availability, Availability::kBreakerOpen);
  EXPECT_LE(View().retry_at_ms, now_ns_ / kNanosPerMilli + 11);
  now_ns_ += 10 * kNanosPerMilli;
  ASSERT_EQ(View().availability, Availability::kProbeDue);
  state_.Take(now_ns_);
  state_.OnOverCapacity(0, 25'000, now_ns_);
  now_ns_ += 24'000 * kNanosPerMilli;
  EXPECT_EQ(View().availability, Availability::kBreakerOpen) << "a probe's answer is heard, too";
  now_ns_ += 1'000 * kNanosPerMilli;
  EXPECT_EQ(View().availability, Availability::kProbeDue);
}

TEST_F(ProcessorStateTest, WhoWantsToBeLeftAloneIsNotExpectedBackBefore) {
  for (int i = 0; i < 20; ++i) {  // outages are short
    Fail(3);
    now_ns_ += 100 * kNanosPerMilli;
    Answer(1);
  }
  for (int i = 0; i < 3; ++i) {
    now_ns_ += 150 * kNanosPerMilli;
    state_.OnOverCapacity(0, 20'000, now_ns_);
  }
  EXPECT_EQ(View().recovers_in_ms, 20'000);
}

TEST_F(ProcessorStateTest, TheFleetsSizeBoundsTheCap) {
  state_.SetMax(4);
  EXPECT_EQ(state_.cap(), 4U);
  state_.SetMax(32);
  EXPECT_EQ(state_.cap(), 32U);
  state_.OnOverCapacity(0, 0, now_ns_);
  state_.SetMax(20);
  EXPECT_EQ(state_.cap(), 16U) << "what it said of its capacity stands";
}

TEST_F(ProcessorStateTest, FullAndCapped) {
  for (int i = 0; i < 16; ++i) state_.Take(now_ns_);
  EXPECT_EQ(View().availability, Availability::kFull);
  state_.GiveBack();
  EXPECT_EQ(View().availability, Availability::kOpenForAll);
  state_.AddUnresolved(4);
  EXPECT_EQ(View().availability, Availability::kUnresolvedCap);
  EXPECT_TRUE(state_.passed_over());
}

TEST(ArrivalRate, FollowsTheRateOfArrivals) {
  ArrivalRate arrivals;
  int64_t now_ns = kNanosPerSecond;
  const auto pass = [&](int64_t ms, int64_t each_10_ms, size_t in_line) {
    for (int64_t i = 0; i < ms / 10; ++i) {
      now_ns += 10 * kNanosPerMilli;
      for (int64_t k = 0; k < each_10_ms; ++k) arrivals.OnTaken();
      arrivals.Observe(now_ns, in_line);
    }
  };
  pass(6'000, 5, 0);
  EXPECT_NEAR(static_cast<double>(arrivals.per_s()), 500, 25);
  EXPECT_FALSE(arrivals.Ended(now_ns));
  pass(6'000, 1, 0);
  EXPECT_NEAR(static_cast<double>(arrivals.per_s()), 100, 25);
  EXPECT_FALSE(arrivals.Ended(now_ns + 100 * kNanosPerMilli)) << "a pause is no end";
  EXPECT_TRUE(arrivals.Ended(now_ns + 300 * kNanosPerMilli));
}

TEST(ArrivalRate, WhatWaitsHasComeToo) {
  ArrivalRate arrivals;
  int64_t now_ns = kNanosPerSecond;
  for (size_t in_line = 0; in_line < 3'000; in_line += 5) {
    now_ns += 10 * kNanosPerMilli;
    arrivals.Observe(now_ns, in_line);
  }
  EXPECT_NEAR(static_cast<double>(arrivals.per_s()), 500, 25);
}

TEST(Cutoff, OnceDailyOrNever) {
  constexpr int64_t kHourMs = 3'600'000;
  EXPECT_EQ(Cutoff{}.LeftMs(5), kNever);
  const Cutoff once{.at_ms = 100 * kHourMs};
  EXPECT_EQ(once.LeftMs(99 * kHourMs), kHourMs);
  EXPECT_EQ(once.LeftMs(100 * kHourMs), kNever) << "past: nothing is to be saved any more";
  const Cutoff daily{.at_ms = 17 * kHourMs, .daily = true};
  EXPECT_EQ(daily.LeftMs((24 + 16) * kHourMs), kHourMs);
  EXPECT_EQ(daily.LeftMs((24 + 18) * kHourMs), 23 * kHourMs);
}

}  // namespace
}  // namespace tollgate::forward

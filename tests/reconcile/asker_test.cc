#include "reconcile/asker.h"

#include <gtest/gtest.h>

#include "tests/reconcile/fake_processors.h"

namespace tollgate::reconcile {
namespace {

class AskerTest : public ::testing::Test {
 protected:
  Asker& Make(size_t in_flight_max) {
    asker_ = std::make_unique<Asker>(
        loop_, processors_,
        AskerOptions{.processors = 2, .in_flight_max = in_flight_max, .patience_ms = 10'000},
        [this](uint64_t cookie, payments::ProcessorId, const Answer& answer) {
          EXPECT_TRUE(answers_.emplace(cookie, answer).second) << "answered twice";
        });
    return *asker_;
  }
  // Advances the loop and the clock until `count` are answered, for at most a minute.
  bool Until(size_t count) {
    for (int turn = 0; turn < 60'000 && answers_.size() < count; ++turn) {
      loop_.RunOnce(0);
      clock_.AdvanceMillis(1);
    }
    return answers_.size() >= count;
  }

  base::ManualClock clock_;
  net::EventLoop loop_{clock_};
  testing::FakeProcessors processors_{loop_, 2};
  std::map<uint64_t, Answer> answers_;
  std::unique_ptr<Asker> asker_;
};

TEST_F(AskerTest, AsksEachWithinItsBound) {
  Asker& asker = Make(3);
  processors_.held[1][{7, 7}] = {.cents = 5, .at = 1'752'583'000'009};
  for (uint64_t i = 0; i < 100; ++i) asker.Ask({i, i}, i % 2 == 0 ? 0 : 1, i);
  EXPECT_TRUE(answers_.empty()) << "answered from inside the call";
  ASSERT_TRUE(Until(100));
  EXPECT_EQ(processors_.most_in_flight, (std::vector<size_t>{3, 3}));
  EXPECT_EQ(answers_[7].kind, Answer::Kind::kHeld);
  EXPECT_EQ(answers_[7].amount_cents, 5);
  EXPECT_EQ(answers_[7].requested_at_ms, 1'752'583'000'009);
  EXPECT_EQ(answers_[8].kind, Answer::Kind::kLacks);
  EXPECT_EQ(asker.stats(1).held, 1U);
  EXPECT_EQ(asker.stats(1).lacks, 49U);
}

TEST_F(AskerTest, WhatFailsIsAskedAgainWithPausesUntilItIsAnswered) {
  Asker& asker = Make(8);
  const int64_t end_ns = clock_.MonotonicNanos() + 5 * base::kNanosPerSecond;
  size_t failed = 0;
  processors_.fails = [&](const auto&) {
    const bool fails = clock_.MonotonicNanos() < end_ns;
    if (fails) ++failed;
    return fails ? 429 : 0;
  };
  for (uint64_t i = 0; i < 50; ++i) asker.Ask({i, i}, 0, i);
  ASSERT_TRUE(Until(50));
  for (const auto& [cookie, answer] : answers_) EXPECT_EQ(answer.kind, Answer::Kind::kLacks);
  EXPECT_LT(failed, 25U) << "the processor is over capacity: fewer and fewer, one at a time";
  EXPECT_FALSE(asker.stats(0).away);
}

TEST_F(AskerTest, AProcessorSilentForTooLongIsAwayAndTheOtherIsNot) {
  Asker& asker = Make(4);
  processors_.fails = [](const auto& question) { return question.processor == 0 ? 503 : 0; };
  for (uint64_t i = 0; i < 40; ++i) asker.Ask({i, i}, i % 2 == 0 ? 0 : 1, i);
  ASSERT_TRUE(Until(40));
  EXPECT_TRUE(asker.stats(0).away);
  EXPECT_EQ(asker.stats(0).last_failure, 503);
  EXPECT_EQ(asker.stats(0).not_answered, 20U);
  EXPECT_EQ(answers_[0].kind, Answer::Kind::kNone);
  EXPECT_FALSE(asker.stats(1).away);
  EXPECT_EQ(asker.stats(1).lacks, 20U);
  // A look-up that is asked now is not sent.
  const size_t before = processors_.asked;
  asker.Ask({99, 99}, 0, 99);
  ASSERT_TRUE(Until(41));
  EXPECT_EQ(processors_.asked, before);
}

TEST_F(AskerTest, OneThatAlwaysFailsDoesNotHoldUpTheRest) {
  Asker& asker = Make(4);
  processors_.fails = [](const auto& question) { return question.id.low == 3 ? 500 : 0; };
  for (uint64_t i = 0; i < 200; ++i) asker.Ask({i, i}, 0, i);
  ASSERT_TRUE(Until(199));
  // It is given up only if it fails while others are answered.
  for (uint64_t i = 1'000; i < 1'100 && !answers_.contains(3); ++i) {
    asker.Ask({i, i}, 0, i);
    ASSERT_TRUE(Until(answers_.size() + 1));
  }
  EXPECT_EQ(answers_[3].kind, Answer::Kind::kNone);
  EXPECT_FALSE(asker.stats(0).away);
  EXPECT_EQ(asker.stats(0).not_answered, 1U);
}

}  // namespace
}  // namespace tollgate::reconcile

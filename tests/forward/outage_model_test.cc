#include "forward/processor/outage_model.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;

class OutageModelTest : public ::testing::Test {
 protected:
  // Observes ten times a second, with this latency.
  void Pass(int64_t ms, int64_t latency_ms) {
    for (; ms > 0; ms -= 100) {
      now_ns_ += 100 * kNanosPerMilli;
      ASSERT_TRUE(model_.IsDue(now_ns_));
      model_.Observe(latency_ms, now_ns_);
    }
  }

  int64_t now_ns_ = 1'000 * kNanosPerSecond;
  OutageModel model_{20'000};
};

TEST_F(OutageModelTest, LearnsHowLongOutagesLast) {
  EXPECT_EQ(model_.BackInMs(now_ns_), 0);
  model_.SetAway(true, now_ns_);
  EXPECT_EQ(model_.BackInMs(now_ns_), 20'000) << "as imagined";
  now_ns_ += 20 * kNanosPerSecond;
  EXPECT_EQ(model_.BackInMs(now_ns_), 30'000) << "the longer it lasts, the longer it is thought to";
  model_.SetAway(false, now_ns_);
  EXPECT_EQ(model_.BackInMs(now_ns_), 0);
  for (int i = 0; i < 20; ++i) {
    model_.SetAway(true, now_ns_);
    now_ns_ += kNanosPerSecond;
    model_.SetAway(false, now_ns_);
  }
  model_.SetAway(true, now_ns_);
  EXPECT_LT(model_.BackInMs(now_ns_), 4'000) << "they are short";
}

TEST_F(OutageModelTest, BeingSlowIsBeingAway) {
  model_.Observe(OutageModel::kAwayMs - 1, now_ns_);
  EXPECT_FALSE(model_.away());
  model_.Observe(OutageModel::kAwayMs, now_ns_);
  EXPECT_TRUE(model_.away());
  now_ns_ += kNanosPerSecond;
  model_.SetAway(true, now_ns_);
  EXPECT_EQ(model_.BackInMs(now_ns_), 20'500) << "it is the same trouble";
}

TEST_F(OutageModelTest, KnowsInWhichShareOfTheTimeItWasSlower) {
  model_.Observe(1, now_ns_);
  EXPECT_NEAR(static_cast<double>(model_.SlowerPpm(1'000)), 250'000, 3'000) << "as imagined";
  Pass(540'000, 1);
  EXPECT_NEAR(static_cast<double>(model_.SlowerPpm(1'000)), 25'000, 3'000) << "always well";
  Pass(300'000, OutageModel::kAwayMs);
  EXPECT_GT(model_.SlowerPpm(1'000), 300'000);
  EXPECT_LT(model_.SlowerPpm(1'000), 600'000);
}

TEST_F(OutageModelTest, ATimeWithoutObservationsIsNoSample) {
  model_.Observe(1, now_ns_);
  const int64_t before = model_.SlowerPpm(1'000);
  now_ns_ += 600 * kNanosPerSecond;
  model_.Observe(OutageModel::kAwayMs, now_ns_);
  EXPECT_EQ(model_.SlowerPpm(1'000), before);
  EXPECT_TRUE(model_.away());
}

TEST_F(OutageModelTest, IsObservedTenTimesASecond) {
  model_.Observe(1, now_ns_);
  EXPECT_FALSE(model_.IsDue(now_ns_ + 99 * kNanosPerMilli));
  EXPECT_TRUE(model_.IsDue(now_ns_ + 100 * kNanosPerMilli));
}

}  // namespace
}  // namespace tollgate::forward

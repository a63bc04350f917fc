// A processor that answers 429 to everything keeps no payment from the one that works.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

class OverCapacity : public OneForwarder {
 protected:
  void SetUp() override {
    options_.policy.audit_lag_ms = 1'500;
    Open();
    processors_[0].refuses = true;
  }
  uint64_t Refusals() const {
    return metrics_.processors[0]
        .outcomes[static_cast<size_t>(upstream::PostOutcome::kOverCapacity)]
        .value();
  }
};

TEST_F(OverCapacity, APaymentThatComesAloneGoesToAnotherAtOnce) {
  Post(1);
  Turn(200);
  EXPECT_EQ(processors_[1].entries().size(), 1U);
  EXPECT_EQ(Refusals(), 1U);
}

TEST_F(OverCapacity, OfEverythingOpensTheBreaker) {
  for (int i = 0; i < 40; ++i) {
    Post(1);
    Turn(1'000);
  }
  EXPECT_LE(Refusals(), 40U) << "no payment is refused twice";
  EXPECT_EQ(metrics_.processors[0].breaker_open.value(), 1);
  Turn(21'000);
  EXPECT_EQ(processors_[1].entries().size(), 40U);
  processors_[0].refuses = false;
  for (int i = 0; i < 10; ++i) {
    Post(1);
    Turn(1'000);
  }
  EXPECT_EQ(processors_[0].entries().size(), 10U) << "a probe sees that it is back";
}

TEST_F(OverCapacity, WhoWantsToBeLeftAloneIsAskedNoSooner) {
  processors_[0].retry_after_ms = 10'000;
  for (int i = 0; i < 30; ++i) {
    Post(1);
    Turn(1'000);
  }
  EXPECT_LE(Refusals(), 3U + 3U);
}

}  // namespace
}  // namespace tollgate::simulation

// If the ledger does not answer for a while, that says nothing about the processors.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

class Pause : public OneForwarder {
 protected:
  void SetUp() override {
    options_.policy.audit_lag_ms = 1'500;
    Open();
    for (int i = 0; i < 40; ++i) {
      Post(1);
      Turn(10);
    }
    ASSERT_EQ(booked(), 40U);
    Turn(6'000);  // their slots have rested
  }
  void PauseLedger(int64_t ms) {
    ledger_.paused_until_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
  }
};

TEST_F(Pause, OfTheLedgerSendsNothingToTheDearerProcessor) {
  PauseLedger(4'000);
  for (int i = 0; i < 50; ++i) {
    Post(1);
    Turn(100);
  }
  Turn(1'000);
  EXPECT_EQ(booked(), 90U);
  EXPECT_EQ(processors_[0].entries().size(), 90U);
  EXPECT_EQ(processors_[1].entries().size(), 0U);
}

// Each payment could take a place, and a fleet may have hundreds of thousands that wait.
TEST_F(Pause, OfTheLedgerTakesNoMorePlacesThanItsCallsHold) {
  PauseLedger(4'000);
  for (int i = 0; i < 30; ++i) {
    Post(1);
    Turn(100);
  }
  EXPECT_LE(forwarder_->held(), 2U);
  EXPECT_FALSE(forwarder_->CouldTake());
}

// Books that lost their tail may have lost the claim or the booking of the same id. The grace ends
// before the replay has reached them.
TEST_F(Pause, ThatOutlastsTheGraceClaimsNothingNewBeforeAllIsToldAgain) {
  PauseLedger(5'000);
  Post(1);
  Turn(5);  // its claim is open
  session_.Disconnect();
  ledger_.CrashAndLose(1'000);
  session_.Connect();
  const uint64_t claimed = metrics_.claim_batch.sum();
  Turn(1'000);
  Post(1);
  Turn(3'000);
  ASSERT_TRUE(session_.can_claim());
  ASSERT_TRUE(forwarder_->replaying());
  EXPECT_EQ(metrics_.claim_batch.sum(), claimed);
  Turn(3'000);
  EXPECT_EQ(booked(), 42U);
}

}  // namespace
}  // namespace tollgate::simulation

// A payment may have been sent, the books lost its claim, and another owner has claimed it since. A
// possible double charge is reported and never made a certain one.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

using ledger::ClaimVerdict;

class ClaimedElsewhere : public OneForwarder {
 protected:
  static constexpr ledger::Owner kOther{.table = {7, 7}, .incarnation = 1, .nonce = 1};

  ClaimedElsewhere() {
    client_.OnPost([this](const upstream::PostRequest&) { ++posts_; });
    client_.SetFaults({.lost_request = 1});
    Open();
    Post(1);
    Turn(20);
    client_.SetFaults({});
  }
  ledger::ClaimRequest Claim(int64_t cents = 100) {
    return {.payment = {.id = {1, 1}, .amount_cents = cents},
            .slot = 3,
            .generation = 1,
            .attempt = 1,
            .processor = 1,
            .requested_at_ms = timeline_.clock().WallMillis()};
  }
  // The books lose the claim, and the other owner makes it; then this gateway restarts.
  void LoseClaim(int64_t cents = 100) {
    ledger_.CrashAndLose(1'900);
    ASSERT_EQ(ledger_.Claim(kOther, {Claim(cents)})[0].verdict, ClaimVerdict::kYours);
    Restart();
  }
  void Restart() {
    posts_ = 0;
    Open();
    ASSERT_TRUE(ring_.TryPush(table::SlotIndex{0}));
  }
  void RecordOther(bool booked, int64_t cents = 100) {
    ledger_.Record(kOther, {{.claim = Claim(cents),
                             .booked = booked,
                             .reason = booked ? payments::RejectReason::kNone
                                              : payments::RejectReason::kRefused}});
  }
  table::SlotStatus Status() const { return table_->Status(table::SlotIndex{0}); }

  int posts_ = 0;
};

TEST_F(ClaimedElsewhere, IsOnlyLookedUpAndLetGoOnceTheOtherHasBookedIt) {
  LoseClaim();
  Turn(5'000);
  EXPECT_EQ(Status().state, table::SlotState::kUnresolved);
  EXPECT_EQ(Status().reason, payments::RejectReason::kElsewhere);
  ASSERT_FALSE(told_.empty());
  EXPECT_TRUE(told_.back().starts_with("possible double charge: ")) << told_.back();
  const size_t reported = told_.size();
  const uint64_t counted = metrics_.contradictions.value();
  EXPECT_GT(counted, 0U);
  Turn(20'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(told_.size(), reported) << "not at each look";
  EXPECT_EQ(metrics_.contradictions.value(), counted);
  // Also after the next start.
  Restart();
  Turn(20'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(forwarder_->held(), 1U);
  RecordOther(true);
  Turn(10'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(forwarder_->held(), 0U);
  EXPECT_EQ(Status().state, table::SlotState::kFree);
  EXPECT_NE(told_.back().find("is not sent again: fallback has booked it"), std::string::npos)
      << told_.back();
}

TEST_F(ClaimedElsewhere, IsRecordedIfItsOwnProcessorHasIt) {
  LoseClaim();
  Turn(5'000);
  processors_[0].Book({.id = {1, 1}, .amount_cents = 100}, timeline_.clock().WallMillis());
  Turn(10'000);
  EXPECT_EQ(forwarder_->held(), 0U);
  EXPECT_EQ(ledger_.state().entries.at({1, 1}).processor, 0);
}

TEST_F(ClaimedElsewhere, GoesOnIfTheOtherWasRejected) {
  LoseClaim();
  Turn(5'000);
  RecordOther(false);
  Turn(10'000);
  EXPECT_EQ(posts_, 1) << "nobody else has charged it";
  EXPECT_EQ(ledger_.state().entries.at({1, 1}).processor, 0);
  EXPECT_FALSE(ledger_.state().entries.at({1, 1}).rejected);
}

TEST_F(ClaimedElsewhere, WithAnotherAmountIsTheSame) {
  LoseClaim(777);
  Turn(20'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(forwarder_->held(), 1U);
  RecordOther(true, 777);
  Turn(10'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(forwarder_->held(), 0U);
}

// The other owner moved its claim to where this one may have sent the payment, and has ended since.
TEST_F(ClaimedElsewhere, IsSentAgainOnceItsClaimIsTakenOver) {
  LoseClaim();
  Turn(5'000);
  ASSERT_EQ(Status().reason, payments::RejectReason::kElsewhere);
  ledger::ClaimRequest moved = Claim();
  moved.attempt = 2;
  moved.processor = 0;
  moved.requested_at_ms = Status().requested_at_ms;
  ASSERT_EQ(ledger_.Claim(kOther, {moved})[0].verdict, ClaimVerdict::kYours);
  ledger_.SetNumber(kOther.table, 5, true);
  Turn(20'000);
  EXPECT_EQ(metrics_.taken_over.value(), 1U);
  EXPECT_EQ(posts_, 1);
  EXPECT_EQ(ledger_.state().entries.at({1, 1}).processor, 0);
  EXPECT_EQ(forwarder_->held(), 0U);
}

// The connection is lost, and with it the reply that the claim is ours.
TEST_F(ClaimedElsewhere, NothingIsSentAgainWhileTheBooksCannotBeAsked) {
  posts_ = 0;
  session_.Disconnect();
  Turn(20'000);
  EXPECT_EQ(posts_, 0);
  session_.Connect();
  Turn(10'000);
  EXPECT_EQ(posts_, 1);
  EXPECT_EQ(booked(), 1U);
}

TEST_F(ClaimedElsewhere, AfterALostTailTheClaimIsAskedForBeforeAnythingIsSentAgain) {
  posts_ = 0;
  session_.Disconnect();
  ledger_.CrashAndLose(1'900);
  ASSERT_EQ(ledger_.Claim(kOther, {Claim()})[0].verdict, ClaimVerdict::kYours);
  session_.Connect();
  Turn(20'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(Status().reason, payments::RejectReason::kElsewhere);
}

}  // namespace
}  // namespace tollgate::simulation

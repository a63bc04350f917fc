// A payment whose claim another owner holds: it waits, is taken over, is taken back, and is never
// sent to a second place, whichever message is lost.
#include <gtest/gtest.h>

#include <map>

#include "tests/forward/one_forwarder.h"
#include "tests/forward/plain_memory.h"

namespace tollgate::simulation {
namespace {

using ledger::ClaimVerdict;

class TakeOverTest : public OneForwarder {
 protected:
  static constexpr ledger::Owner kOther{.table = {7, 7}, .incarnation = 1, .nonce = 1};

  TakeOverTest() {
    client_.OnPost([this](const upstream::PostRequest&) { ++posts_; });
    options_.takeover_after_ms = 1'000;
    for (auto& processor : options_.processors) processor.in_flight_max = 100;
  }
  ledger::ClaimRequest OthersClaim(payments::ProcessorId processor = 0) {
    return {.payment = {.id = {1, 1}, .amount_cents = 100},
            .slot = 9,
            .generation = 9,
            .attempt = 1,
            .processor = processor,
            .requested_at_ms = timeline_.clock().WallMillis()};
  }
  // Another owner has claimed the payment and is silent from then on.
  void ClaimForOther(payments::ProcessorId processor = 0) {
    ledger_.SetNumber(kOther.table, 5, false);
    ASSERT_EQ(ledger_.Claim(kOther, {OthersClaim(processor)})[0].verdict, ClaimVerdict::kYours);
  }
  void Restart(size_t count) {
    posts_ = 0;
    session_.Disconnect();
    // Open answers belong to the former start.
    const int64_t until_ns = timeline_.now_ns() + 100 * base::kNanosPerMilli;
    while (timeline_.RunNext(until_ns)) {
    }
    Open();
    for (uint32_t i = 0; i < count; ++i) ASSERT_TRUE(ring_.TryPush(table::SlotIndex{i}));
  }
  // `count` payments of ours were sent and lost on the way; another owner has taken them over.
  void SendAndBeTakenOver(size_t count) {
    client_.SetFaults({.lost_request = 1});
    Open();
    Post(count);
    Turn(50);
    session_.Disconnect();
    Turn(10);
    client_.SetFaults({});
    ledger_.SetNumber(kOther.table, 5, false);
    for (const auto& [id, pending] : std::map(ledger_.state().pending)) {
      ledger::TakeOverRequest request{.claim = OthersClaim(1), .attempt = pending.attempt};
      request.claim.payment.id = id;
      request.claim.slot = static_cast<uint32_t>(1'000 + id.low);
      request.holder = {.table = pending.owner.table,
                        .number = ledger_.state().numbers.at(pending.owner.table),
                        .sign = ledger::Holder::Sign::kNumber};
      ASSERT_EQ(ledger_.TakeOver(kOther, {request})[0].verdict, ClaimVerdict::kYours);
    }
  }
  bool IsOurs() const {
    const auto& pending = ledger_.state().pending;
    return !pending.empty() && pending.begin()->second.owner.table == table_->identity().table;
  }
  int posts_ = 0;
};

TEST_F(TakeOverTest, ARepeatIsKeptUntilTheOtherHasBookedIt) {
  Open();
  ClaimForOther();
  Post(1);
  for (uint64_t number = 6; number < 60; ++number) {
    Turn(500);
    ledger_.SetNumber(kOther.table, number, false);
  }
  EXPECT_EQ(forwarder_->held(), 1U);
  EXPECT_EQ(posts_, 0);
  ledger_.Record(kOther, {{.claim = OthersClaim()}});
  Turn(5'000);
  EXPECT_EQ(forwarder_->held(), 0U);
}

TEST_F(TakeOverTest, WhatASilentOwnerHadSentIsFoundAndNotSentAgain) {
  Open();
  ClaimForOther();
  const int64_t at_ms = timeline_.clock().WallMillis();
  processors_[0].Book({.id = {1, 1}, .amount_cents = 100}, at_ms);
  Post(1);
  Turn(5'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(ledger_.state().entries.at({1, 1}).requested_at_ms, at_ms);
  EXPECT_EQ(metrics_.taken_over.value(), 1U);
  ASSERT_FALSE(told_.empty());
  EXPECT_NE(told_.front().find("has been silent"), std::string::npos) << told_.front();
}

TEST_F(TakeOverTest, WhoSaidThatItIsGoneIsNotWaitedFor) {
  options_.takeover_after_ms = 3'600'000;
  Open();
  ClaimForOther();
  ledger_.SetNumber(kOther.table, 5, true);
  Post(1);
  Turn(200);
  EXPECT_EQ(posts_, 1);
  EXPECT_EQ(booked(), 1U);
}

TEST_F(TakeOverTest, WhatWasTakenOverIsTakenBackIfTheTakerIsSilent) {
  SendAndBeTakenOver(1);
  Restart(1);
  Turn(500);
  EXPECT_EQ(posts_, 0) << "the taker may send it";
  Turn(30'000);
  EXPECT_EQ(booked(), 1U);
  EXPECT_EQ(posts_, 1);
}

// The books may answer "yours" again although the reply to a take-over was lost.
TEST_F(TakeOverTest, AClaimThatIsOursAgainIsGoneOnWith) {
  SendAndBeTakenOver(1);
  options_.takeover_after_ms = 3'600'000;
  Restart(1);
  Turn(500);
  ASSERT_FALSE(IsOurs());
  ledger_.CrashAndLose(1'000);  // the taker's claim
  session_.Disconnect();
  session_.Connect();
  Turn(30'000);
  EXPECT_EQ(posts_, 1);
  EXPECT_EQ(booked(), 1U);
}

TEST_F(TakeOverTest, ManyAreTakenBackThoughTheyAllHaveAnUnknownOutcome) {
  SendAndBeTakenOver(64);
  Restart(64);
  Turn(300'000);
  EXPECT_EQ(booked(), 64U);
}

// As after a power loss.
TEST_F(TakeOverTest, AClaimOfOurOwnWhoseSlotIsGoneIsTakenOverAtOnce) {
  options_.takeover_after_ms = 3'600'000;
  Open();
  const table::TableIdentity identity = table_->identity();
  const ledger::Owner own{
      .table = identity.table, .incarnation = identity.incarnation, .nonce = identity.nonce};
  ASSERT_EQ(ledger_.Claim(own, {OthersClaim()})[0].verdict, ClaimVerdict::kYours);
  Post(1);
  Turn(1'000);
  EXPECT_EQ(booked(), 1U);
}

TEST_F(TakeOverTest, ARepeatInTheSameTableIsLeftToItsSlot) {
  processors_[0].delay_us = processors_[1].delay_us = 5'000'000;
  Open();
  Post(1);
  Turn(100);
  posted_ = 0;
  Post(1);
  Turn(100);
  EXPECT_EQ(forwarder_->held(), 1U);
}

// The owner and its claim are lost. The repeat knows where the payment may be.
TEST_F(TakeOverTest, AKeptRepeatRemembersWhereItsPaymentMayBe) {
  options_.takeover_after_ms = 30'000;
  options_.processors[0].fee_ppm = 900'000;  // it would be sent to the other one
  Open();
  Turn(3'000);
  ClaimForOther(0);
  processors_[0].Book({.id = {1, 1}, .amount_cents = 100}, timeline_.clock().WallMillis());
  Post(1);
  Turn(500);
  ASSERT_EQ(forwarder_->held(), 1U);
  ledger_.CrashAndLose(1'000);
  session_.Disconnect();
  session_.Connect();
  Turn(10'000);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(ledger_.state().entries.at({1, 1}).processor, 0);
  EXPECT_FALSE(processors_[1].entries().contains({1, 1})) << "charged twice";
}

TEST_F(TakeOverTest, OneRepeatOfAnIdIsKept) {
  Open();
  ClaimForOther(payments::kNoProcessor);  // no instance can take it over
  for (int i = 0; i < 64; ++i) {
    posted_ = 0;
    Post(1);
    Turn(50);
  }
  Turn(60'000);
  EXPECT_EQ(forwarder_->held(), 1U);
}

TEST_F(TakeOverTest, WhatAProcessorCallsInvalidForAMinuteEnds) {
  Open();
  ClaimForOther();
  processors_[0].invalid = true;
  Post(1);
  Turn(50'000);
  EXPECT_EQ(forwarder_->held(), 1U) << "a copy may still sleep there";
  Turn(30'000);
  EXPECT_EQ(forwarder_->held(), 0U);
  EXPECT_TRUE(ledger_.state().entries.at({1, 1}).rejected);
}

// Two calls were sent with the same number; between them the books lost what the first one did.
TEST_F(TakeOverTest, ACallInFlightDoesNotHideARollback) {
  struct Quiet final : ledger::LedgerEvents {
    void OnClaimed(uint64_t, std::span<const ledger::ClaimReply>) override {}
    void OnRecorded(uint64_t, std::span<const ledger::RecordReply>) override {}
    void OnBatchFailed(uint64_t) override { ++failed; }
    void OnTailLost() override {}
    void OnLedgerState() override {}
    int failed = 0;
  } quiet;
  PlainMemory memory;
  LedgerSession session(timeline_, ledger_, {}, memory, "");
  session.SetEvents(&quiet);
  session.SetOwner(kOther);
  session.Connect();
  timeline_.clock().AdvanceNanos(10 * base::kNanosPerMilli);
  ledger::ClaimRequest second = OthersClaim();
  second.payment.id = {1, 2};
  session.Claim(kOther, std::vector{OthersClaim()}, 1);
  session.Claim(kOther, std::vector{second}, 2);
  const int64_t until_ns = timeline_.now_ns() + base::kNanosPerSecond;
  while (ledger_.state().pending.empty() && timeline_.RunNext(until_ns)) {
  }
  ledger_.RollBack(1);
  ASSERT_TRUE(ledger_.state().pending.empty());
  while (timeline_.RunNext(until_ns)) {
  }
  EXPECT_EQ(ledger::EraOf(memory.number), 1U);
  EXPECT_EQ(quiet.failed, 1) << "it is asked again once all was told";
  EXPECT_FALSE(session.ready());
}

}  // namespace
}  // namespace tollgate::simulation

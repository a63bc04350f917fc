#include "api/table_search.h"

#include <gtest/gtest.h>

#include <memory>

namespace tollgate::api {
namespace {

using table::SlotState;

class TableSearchTest : public ::testing::Test {
 protected:
  void Open(size_t slots) {
    table_ = std::move(table::PaymentTable::Open(
                           {.durability = table::Durability::kMemory, .slots = slots}, directory_))
                 .value();
  }
  table::SlotIndex Accept(uint64_t id) {
    const auto slot = table_->Acquire({.id = {1, id}, .amount_cents = 100}, clock_.WallMillis());
    EXPECT_TRUE(slot.has_value());
    return slot.value();
  }
  static table::SlotStatus Status(SlotState state) {
    return {.state = state,
            .pinned = false,
            .reason = payments::RejectReason::kNone,
            .processor = 0,
            .attempt = 1,
            .requested_at_ms = 1'752'583'000'000};
  }
  // Starts a search, and counts its answer.
  void Ask(TableSearch& search, uint64_t id) {
    search.Find({1, id}, [this](const auto& found) {
      ++(found ? found_ : missed_);
      last_ = found;
    });
  }

  base::ManualClock clock_;
  net::EventLoop loop_{clock_};
  payments::ProcessorDirectory directory_{{"default"}};
  std::unique_ptr<table::PaymentTable> table_;
  size_t found_ = 0, missed_ = 0;
  std::optional<TableSearch::Snapshot> last_;
};

TEST_F(TableSearchTest, OfSeveralSlotsWithTheIdTheOneThatWentFurthestCounts) {
  Open(64);
  Accept(1);
  table_->SetStatus(Accept(7), Status(SlotState::kSent));
  Accept(7);
  table_->SetStatus(Accept(7), Status(SlotState::kClaimed));
  TableSearch search(loop_, *table_);
  Ask(search, 7);
  EXPECT_EQ(found_ + missed_, 0U) << "never from inside the question";
  while (found_ + missed_ == 0) loop_.RunOnce(0);
  ASSERT_TRUE(last_.has_value());
  EXPECT_EQ(last_->status.state, SlotState::kSent);
  EXPECT_EQ(last_->payment.id, (payments::Uuid{1, 7}));
}

TEST_F(TableSearchTest, WhatWasBookedIsFoundWhileItsSlotRestsAndWhatIsFreeIsNot) {
  Open(64);
  table_->Release(Accept(1), Status(SlotState::kFreeBooked));
  table_->Release(Accept(2), {.state = SlotState::kFree});
  TableSearch search(loop_, *table_);
  Ask(search, 1);
  Ask(search, 2);
  while (found_ + missed_ < 2) loop_.RunOnce(0);
  EXPECT_EQ(found_, 1U);
  EXPECT_EQ(missed_, 1U);
}

// POST /payments waits for one turn.
TEST_F(TableSearchTest, HoweverManyAskATurnLooksAtSoManySlotsAndOnePassServesAll) {
  constexpr size_t kSlots = 50'000;
  constexpr size_t kAskers = 384;
  const TableSearchOptions kOptions{};
  Open(kSlots);
  Accept(3);
  TableSearch search(loop_, *table_);
  for (uint64_t i = 0; i < kAskers; ++i) Ask(search, i % 2 == 0 ? 3 : 1'000 + i);
  uint64_t looked_at = 0;
  size_t answered = 0;
  for (int turns = 0; answered < kAskers; ++turns) {
    ASSERT_LT(turns, 100);
    loop_.RunOnce(0);
    const uint64_t slots = search.slots_looked_at() - looked_at;
    const size_t answers = found_ + missed_ - answered;
    EXPECT_LE(slots, kOptions.slots_per_turn);
    EXPECT_LE(answers, kOptions.answers_per_turn);
    EXPECT_TRUE(slots == 0 || answers == 0);
    looked_at += slots;
    answered += answers;
    // A search that starts during a pass waits for the next pass, with all others.
    if (turns == 5) Ask(search, 3);
  }
  EXPECT_EQ(search.slots_looked_at(), kSlots);
  EXPECT_EQ(found_, kAskers / 2);
  // Between passes the thread is free for other work.
  const int64_t pause_ns = int64_t{kSlots} * kOptions.pause_ns_per_slot;
  clock_.AdvanceNanos(pause_ns - 1);
  for (int i = 0; i < 100; ++i) loop_.RunOnce(0);
  EXPECT_EQ(search.slots_looked_at(), kSlots);
  clock_.AdvanceNanos(1);
  for (int i = 0; i < 100; ++i) loop_.RunOnce(0);
  EXPECT_EQ(search.slots_looked_at(), 2 * kSlots);
  EXPECT_EQ(found_, kAskers / 2 + 1);
}

// It is claimed, twice, between the reads of its status that make a copy consistent.
TEST_F(TableSearchTest, APaymentThatGoesOnWhileItIsReadIsFound) {
  Open(4);
  const table::SlotIndex slot = Accept(7);
  int reads = 0;
  TableSearch search(loop_, *table_, {.read_for_test = [&](table::SlotIndex at) {
                       if (++reads > 2) return table_->Read(at);
                       table_->SetStatus(
                           slot, Status(reads == 1 ? SlotState::kClaimed : SlotState::kSent));
                       return std::optional<TableSearch::Snapshot>{};
                     }});
  Ask(search, 7);
  while (found_ + missed_ == 0) loop_.RunOnce(0);
  ASSERT_EQ(found_, 1U);
  EXPECT_EQ(last_->status.state, SlotState::kSent);
}

TEST_F(TableSearchTest, ADamagedSlotIsReadOnce) {
  Open(4);
  Accept(7);
  int reads = 0;
  TableSearch search(loop_, *table_, {.read_for_test = [&](table::SlotIndex) {
                       ++reads;
                       return std::optional<TableSearch::Snapshot>{};
                     }});
  Ask(search, 7);
  while (found_ + missed_ == 0) loop_.RunOnce(0);
  EXPECT_EQ(missed_, 1U);
  EXPECT_EQ(reads, 1);
}

TEST_F(TableSearchTest, MayEndBeforeItsAnswers) {
  Open(10'000);
  {
    TableSearch search(loop_, *table_);
    Ask(search, 7);
    loop_.RunOnce(0);
    loop_.RunOnce(0);
  }
  for (int i = 0; i < 10; ++i) loop_.RunOnce(0);
  EXPECT_EQ(found_ + missed_, 0U);
}

}  // namespace
}  // namespace tollgate::api

// What a table remembers of its books, and its identity towards them.
#include <gtest/gtest.h>

#include "table/sealed_number.h"
#include "tests/table/table_fixture.h"

namespace tollgate::table {
namespace {

constexpr uint64_t kEra = uint64_t{1} << 40U;

class BooksMemoryTest : public TableFixture {
 protected:
  // A resting slot that was booked, and recorded while the books were at `number`.
  SlotIndex Recorded(PaymentTable& table, uint64_t id, uint64_t number) {
    const auto slot = table.Acquire(Pay(id), 1'000'000);
    EXPECT_TRUE(slot);
    table.ConfirmLedgerNumber(number);
    table.Release(*slot, {.state = SlotState::kFreeBooked, .processor = 0, .attempt = 1});
    return *slot;
  }
};

TEST(SealedNumber, BytesThatAreNoneOfOursAreSeen) {
  EXPECT_EQ(Seal(0), 0U);
  size_t taken = 0;
  for (uint64_t number = 1; number < 1000; ++number) {
    EXPECT_EQ(Unseal(Seal(number)), number);
    for (unsigned bit = 0; bit < 64; ++bit)
      taken += Unseal(Seal(number) ^ uint64_t{1} << bit) ? 1U : 0U;
  }
  EXPECT_LT(taken, 999U * 64U / 500U) << "one wrong bit passes about once in 2,048";
  EXPECT_EQ(Unseal(Seal(kSealedMax)), kSealedMax);
}

TEST_F(BooksMemoryTest, TheNumberAndTheBooksOutliveTheProcess) {
  {
    auto table = Open();
    EXPECT_EQ(table->LedgerNumber(), 0U);
    EXPECT_EQ(table->Books(), payments::Uuid{});
    EXPECT_TRUE(table->SetBooks({3, 4}));
    table->ConfirmLedgerNumber(17);
    table->ConfirmLedgerNumber(12);  // an older reply
    EXPECT_EQ(table->LedgerNumber(), 17U);
  }
  auto table = Open();
  EXPECT_EQ(table->LedgerNumber(), 17U);
  EXPECT_EQ(table->Books(), (payments::Uuid{3, 4}));
  const auto facts = ReadFacts(path_);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts.value().books, (payments::Uuid{3, 4}));
  EXPECT_EQ(facts.value().table, table->identity().table);
}

TEST_F(BooksMemoryTest, AHeaderWrittenLaterLeavesTheNumberAlone) {
  auto table = Open();
  table->ConfirmLedgerNumber(5);
  table->SetLedgerRunId("run");
  table->SetLedgerRunId("another");
  EXPECT_EQ(table->LedgerNumber(), 5U);
}

TEST_F(BooksMemoryTest, AnEraBeginsOnceForAllWorkers) {
  auto table = Open();
  table->ConfirmLedgerNumber(9);
  table->AdvanceLedgerNumber(kEra - 1, kEra);
  EXPECT_EQ(table->LedgerNumber(), kEra);
  table->ConfirmLedgerNumber(kEra + 3);
  table->AdvanceLedgerNumber(kEra - 1, kEra);  // the second worker saw the same loss
  EXPECT_EQ(table->LedgerNumber(), kEra + 3);
}

TEST_F(BooksMemoryTest, ARecordIsForgottenWhenItsSlotIsUsedAgain) {
  auto table = Open(2);
  Recorded(*table, 1, 10);
  Recorded(*table, 2, 20);
  EXPECT_EQ(table->ForgottenNumber(), 0U) << "both still rest";
  Answered(*table, 0, 6'000);
  ASSERT_TRUE(table->Acquire(Pay(3), 0));
  EXPECT_EQ(table->ForgottenNumber(), 10U);
  ASSERT_TRUE(table->Acquire(Pay(4), 0));
  EXPECT_EQ(table->ForgottenNumber(), 20U);
}

TEST_F(BooksMemoryTest, WhatWasToldAgainSinceIsForgottenByItsLaterNumber) {
  auto table = Open(1);
  Recorded(*table, 1, 10);
  table->AdvanceLedgerNumber(kEra - 1, kEra);  // a loss: the slot is replayed, with some number
  table->ConfirmLedgerNumber(kEra + 7);
  Answered(*table, 0, 11'000);
  ASSERT_TRUE(table->Acquire(Pay(2), 0));
  EXPECT_EQ(table->ForgottenNumber(), kEra + 7);
}

TEST_F(BooksMemoryTest, OnceAllIsToldAgainNoLaterNumberIsForgottenForIt) {
  auto table = Open(1);
  Recorded(*table, 1, 10);
  table->AdvanceLedgerNumber(kEra - 1, kEra);
  table->ConfirmLedgerNumber(kEra + 7);
  table->SetLedgerRunId("all was told");
  table->ConfirmLedgerNumber(kEra + 5'000);  // an hour of greetings
  Answered(*table, 0, 11'000);
  ASSERT_TRUE(table->Acquire(Pay(2), 0));
  EXPECT_EQ(table->ForgottenNumber(), kEra + 7) << "a later loss is not one of what nobody holds";
}

TEST_F(BooksMemoryTest, TheSecondWorkerThatHearsOfANewerOpeningFencesNothing) {
  auto table = Open();
  const payments::Uuid old = table->identity().table;
  EXPECT_TRUE(table->TakeNewIdentity(old));
  table->MarkCurrent();  // the first worker was greeted under the new id
  EXPECT_TRUE(table->TakeNewIdentity(old));
}

TEST_F(BooksMemoryTest, AFencedTableTakesNothingAndItsNextOpeningIsNewer) {
  uint64_t incarnation = 0;
  {
    auto table = Open();
    table->MarkCurrent();
    table->Fence();
    EXPECT_TRUE(table->fenced());
    EXPECT_FALSE(table->Acquire(Pay(1), 0));
    EXPECT_FALSE(table->TakeNewIdentity(table->identity().table)) << "it was current";
    incarnation = table->identity().incarnation;
  }
  EXPECT_EQ(Open()->identity().incarnation, incarnation + 2);
}

TEST_F(BooksMemoryTest, AnOlderCopyTakesAnIdOfItsOwnOnceAndRemembersTheLast) {
  payments::Uuid first, second;
  {
    auto table = Open();
    table->ConfirmLedgerNumber(9);
    first = table->identity().table;
    EXPECT_TRUE(table->TakeNewIdentity(first));
    second = table->identity().table;
    EXPECT_NE(second, first);
    EXPECT_EQ(table->LedgerNumber(), kEra) << "the books have no number for this id: no loss";
    EXPECT_TRUE(table->TakeNewIdentity(first)) << "another worker was faster";
    EXPECT_EQ(table->identity().table, second);
    EXPECT_TRUE(table->Acquire(Pay(1), 0)) << "it goes on";
  }
  auto table = Open();
  EXPECT_EQ(table->identity().table, second);
  EXPECT_EQ(table->identity().predecessors.front(), first);
}

}  // namespace
}  // namespace tollgate::table

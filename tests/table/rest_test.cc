// How long a freed slot rests, and what does not wait for that.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "table/rest_clock.h"
#include "tests/table/table_fixture.h"

namespace tollgate::table {
namespace {

constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kDayMs = 86'400'000;
constexpr uint64_t kEra = uint64_t{1} << 40U;
constexpr SlotStatus kBookedAndFree{.state = SlotState::kFreeBooked,
                                    .processor = 0,
                                    .attempt = 1,
                                    .requested_at_ms = 1'752'583'000'000};

class RestTest : public TableFixture {
 protected:
  // A payment is accepted, booked and recorded.
  static SlotIndex Use(PaymentTable& table) {
    const auto slot = table.Acquire(Pay(1), 5);
    EXPECT_TRUE(slot);
    table.Release(slot.value(), kBookedAndFree);
    return slot.value();
  }
  // How many slots can be acquired now.
  static size_t TakeAll(PaymentTable& table) {
    size_t taken = 0;
    while (table.Acquire({.id = {taken, 1}, .amount_cents = 100}, 5)) ++taken;
    return taken;
  }
};

TEST(RestClockTest, CountsTheTimeBetweenAnswers) {
  RestClock clock(5000);
  clock.OnAnswer(77'000 * kMilli);  // nothing is known of the time before
  EXPECT_EQ(clock.NowMs(), 0U);
  for (int64_t us = 0; us <= 900'000; us += 300) clock.OnAnswer(77'000 * kMilli + us * 1000);
  EXPECT_EQ(clock.NowMs(), 900U) << "parts of a millisecond are not lost";
  clock.OnAnswer(76'000 * kMilli);  // another thread's, late
  EXPECT_EQ(clock.NowMs(), 900U);
  clock.OnAnswer(78'900 * kMilli);
  EXPECT_EQ(clock.NowMs(), 1'900U);
}

TEST(RestClockTest, AnOutageCountsAsASecondAtMost) {
  for (const int64_t away_ms : {int64_t{1'001}, int64_t{10'000}, 100 * kDayMs}) {
    RestClock clock(5000);
    clock.OnAnswer(0);
    clock.OnAnswer(500 * kMilli);
    clock.OnAnswer((500 + away_ms) * kMilli);
    EXPECT_EQ(clock.NowMs(), 1'500U) << away_ms;
  }
}

TEST(RestClockTest, AfterALossItStandsStillForARest) {
  RestClock clock(5000);
  for (int64_t ms = 0; ms <= 2'000; ms += 500) clock.OnAnswer(ms * kMilli);
  clock.OnLoss();
  for (int64_t ms = 2'500; ms <= 4'000; ms += 500) clock.OnAnswer(ms * kMilli);
  clock.OnLoss();
  for (int64_t ms = 4'500; ms <= 9'000; ms += 500) clock.OnAnswer(ms * kMilli);
  EXPECT_EQ(clock.NowMs(), 2'000U);
  clock.OnAnswer(9'001 * kMilli);
  EXPECT_EQ(clock.NowMs(), 2'001U);
}

TEST(RestClockTest, ThreadsTogetherCountNothingTwice) {
  RestClock clock(5000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int64_t ms = 0; ms <= 20'000; ++ms) clock.OnAnswer(ms * kMilli);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(clock.NowMs(), 20'000U);
  clock.OnAnswer(20'000 * kMilli);
  EXPECT_GT(clock.NowMs(), 0U);
}

TEST_F(RestTest, AFreedSlotRestsAndTheOldestFreedIsReusedFirst) {
  auto table = Open(2);
  const auto a = table->Acquire(Pay(1), 5);
  const auto b = table->Acquire(Pay(2), 5);
  EXPECT_FALSE(table->Acquire(Pay(3), 5)) << "a full table";
  Answered(*table, 0, 1'000);
  table->Release(*b, kBookedAndFree);
  Answered(*table, 1'000, 2'000);
  table->Release(*a, kBookedAndFree);
  Answered(*table, 2'000, 6'000);
  EXPECT_FALSE(table->Acquire(Pay(3), 5));
  Answered(*table, 6'000, 6'001);
  EXPECT_EQ(table->Acquire(Pay(3), 5), b);
  EXPECT_FALSE(table->Acquire(Pay(4), 5));
  Answered(*table, 6'001, 7'001);
  EXPECT_EQ(table->Acquire(Pay(4), 5), a);
  EXPECT_EQ(table->At(*a).generation, 2U);
}

// Redis is away for longer than a rest: what it may have lost can still be replayed.
TEST_F(RestTest, NothingRestsWhileTheBooksAreAway) {
  auto table = Open(4);
  table->BooksAnswered(0);
  for (int i = 0; i < 3; ++i) Use(*table);
  EXPECT_EQ(TakeAll(*table), 1U) << "the one that was never used goes on";
  table->BooksAnswered(600'000 * kMilli);
  EXPECT_EQ(TakeAll(*table), 0U);
  Answered(*table, 600'000, 604'000);
  EXPECT_EQ(TakeAll(*table), 0U);
  Answered(*table, 604'000, 604'001);
  EXPECT_EQ(TakeAll(*table), 3U);
}

TEST_F(RestTest, AfterALossEverySlotRestsAnew) {
  auto table = Open(2);
  table->BooksAnswered(0);
  Use(*table);
  Answered(*table, 0, 5'000);
  table->AdvanceLedgerNumber(kEra - 1, kEra);
  Answered(*table, 5'000, 10'000);
  EXPECT_EQ(TakeAll(*table), 1U);
  Answered(*table, 10'000, 10'001);
  EXPECT_EQ(TakeAll(*table), 1U);
}

// For example repeats of payments that other instances have.
TEST_F(RestTest, WhatHasNothingToTellNeedsNoRestAndWaitsForNone) {
  auto table = Open(3);
  Use(*table);
  Use(*table);
  for (uint64_t i = 0; i < 100; ++i) {
    const auto slot = table->Acquire(Pay(i), 5);
    ASSERT_TRUE(slot) << i;
    table->Release(*slot, {.state = SlotState::kFree});
  }
  EXPECT_EQ(table->UsedApprox(), 0U);
}

TEST_F(RestTest, NeverUsedSlotsAreTakenInTheirOrderAndCounted) {
  auto table = Open(8);
  for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(table->Acquire(Pay(i), 5), SlotIndex{i});
  EXPECT_EQ(table->UsedApprox(), 5U);
  table->Release(SlotIndex{1}, {.state = SlotState::kFree});
  table->Release(SlotIndex{3}, kBookedAndFree);
  EXPECT_EQ(table->UsedApprox(), 3U);
  EXPECT_EQ(table->Acquire(Pay(9), 5), SlotIndex{1});
  EXPECT_EQ(table->Acquire(Pay(9), 5), SlotIndex{5});
}

// Fewer payments than slots for weeks, or none at all.
TEST_F(RestTest, AQuietTableHasAllItsSlotsAfterAnyUptime) {
  for (const int64_t up_at_open : {int64_t{0}, 24 * kDayMs, 100 * kDayMs}) {
    for (const int64_t days : {1, 24, 25, 26, 49, 50, 51, 75, 100, 1'000, 36'500}) {
      std::filesystem::remove(path_);
      auto table = Open(8);
      Answered(*table, up_at_open, up_at_open + 1'000);
      Use(*table);
      const int64_t later = up_at_open + days * kDayMs;
      Answered(*table, later, later + 6'000);
      EXPECT_EQ(TakeAll(*table), 8U) << days << " days after the opening";
    }
  }
}

TEST_F(RestTest, ASlotRestsAsLongAfterAnyUptime) {
  for (const int64_t days : {0, 24, 25, 49, 50, 100, 1'000, 10'000}) {
    std::filesystem::remove(path_);
    auto table = Open(1);
    const int64_t now = days * kDayMs + 1'000;
    Answered(*table, now - 1'000, now);
    Use(*table);
    Answered(*table, now, now + 5'000);
    EXPECT_FALSE(table->Acquire(Pay(2), 5)) << days;
    Answered(*table, now + 5'000, now + 5'001);
    EXPECT_TRUE(table->Acquire(Pay(2), 5)) << days;
  }
}

// A rest is measured by what the table saw itself. The clocks at the next opening may be of another
// boot, or may have been set. What was freed last still rests in full, and what had rested has
// rested.
TEST_F(RestTest, ARestAcrossARestartDoesNotGoByTheClock) {
  for (const int64_t next : {int64_t{0}, int64_t{1'000}, int64_t{60'000}, 25 * kDayMs}) {
    std::filesystem::remove(path_);
    {
      auto table = Open(3);
      int64_t now = 0;
      for (const int64_t freed : {1'000, 98'000, 100'000}) {
        const auto slot = table->Acquire(Pay(1), 5);
        ASSERT_TRUE(slot);
        Answered(*table, now, freed);
        now = freed;
        table->Release(*slot, kBookedAndFree);
      }
    }
    auto table = Open(3);
    EXPECT_EQ(table->recovery().resting, 3U);
    EXPECT_EQ(TakeAll(*table), 1U) << "only the first had rested";
    Answered(*table, next, next + 2'000);
    EXPECT_EQ(TakeAll(*table), 0U);
    Answered(*table, next + 2'000, next + 4'000);
    EXPECT_EQ(TakeAll(*table), 1U);
    Answered(*table, next + 4'000, next + 4'999);
    EXPECT_EQ(TakeAll(*table), 0U);
    Answered(*table, next + 4'999, next + 5'000);
    EXPECT_EQ(TakeAll(*table), 1U);
  }
}

// Many short runs, as of an instance that restarts in a loop: the rest clock goes on.
TEST_F(RestTest, ARestIsKeptOverManyRestarts) {
  for (uint64_t life = 0; life < 20; ++life) {
    auto table = Open(2);
    Answered(*table, 0, 5'000);
    const auto slot = table->Acquire(Pay(life), 5);
    ASSERT_TRUE(slot) << life;
    Answered(*table, 5'000, 6'000);
    table->Release(*slot, kBookedAndFree);
  }
  auto table = Open(2);
  Answered(*table, 0, 4'000);
  EXPECT_EQ(TakeAll(*table), 1U) << "the one of the life before rested while open";
  Answered(*table, 4'000, 5'000);
  EXPECT_EQ(TakeAll(*table), 1U);
}

// An instance that crashes again and again right after its start: all its runs together are short.
TEST_F(RestTest, ManyShortLivesAddNoTimeToARest) {
  constexpr size_t kLives = 12;
  for (uint64_t life = 0; life < kLives; ++life) {
    auto table = Open(16);
    Answered(*table, 0, 10);
    Use(*table);
  }
  EXPECT_EQ(TakeAll(*Open(16)), 16 - kLives) << "a slot was reused within a fraction of its rest";
}

// The time at which a slot was freed is not covered by a checksum.
TEST_F(RestTest, AWrongTimeOfFreeingCostsARestAtMost) {
  {
    auto table = Open(2);
    Answered(*table, 0, 1'000);
    Use(*table);
    Use(*table);
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192 + 52);
    file.write("\xff\xff\xff\xff", 4);
  }
  for (int life = 0; life < 3; ++life) {
    auto table = Open(2);
    Answered(*table, 0, 5'000);
    EXPECT_EQ(TakeAll(*table), 2U) << life;
    for (const SlotIndex slot : AllSlots(2)) table->Release(slot, kBookedAndFree);
    Answered(*table, 5'000, 10'000);
    EXPECT_EQ(TakeAll(*table), 0U) << life;
  }
}

}  // namespace
}  // namespace tollgate::table

// Sums that disagree with the payments on the books: found, reported to the cent, and mended.
#include "reconcile/sum_check.h"

#include <gtest/gtest.h>

#include "tests/reconcile/sum_check_fixture.h"

namespace tollgate::reconcile {
namespace {

TEST_F(SumCheckTest, SumsThatAgreeAreToldOfAsSuch) {
  EXPECT_TRUE(Check(true).differences.empty()) << "no books at all";
  for (const size_t count : {1U, 62U, 3U, 500U, 5U}) {
    Book(Payments(count, start_ms_, kHourMs));
    const SumsReport report = Check(true);
    EXPECT_EQ(error_, "");
    EXPECT_TRUE(report.compared && report.all_known);
    EXPECT_TRUE(report.differences.empty());
  }
  EXPECT_EQ(Asked({"exists", "tollgate:mends"}), "0\n") << "something was changed";
  ExpectSummariesAreThePayments();
}

TEST_F(SumCheckTest, APaymentThatWasNeverSummedIsFoundToTheMillisecond) {
  BookAnHour();
  const RecordRequest& payment = booked_.at(700);
  AddToSums(payment, -1, "012345");
  const SumsReport reported = ExpectFoundAndMended();
  ASSERT_EQ(reported.differences.size(), 1U);
  const SumDifference& it = reported.differences[0];
  EXPECT_EQ(it.processor, payment.claim.processor);
  EXPECT_EQ(it.level, 0);
  EXPECT_EQ(it.from_ms, payment.claim.requested_at_ms);
  EXPECT_EQ(it.to_ms, payment.claim.requested_at_ms);
  EXPECT_EQ(it.counted.count - it.summed.count, 1);
  EXPECT_EQ(it.counted.amount_cents - it.summed.amount_cents, payment.claim.payment.amount_cents);
}

// An error in the middle of a fold left the lower levels written, and its repeat wrote them again.
TEST_F(SumCheckTest, SumsThatWereWrittenTwiceOnSomeLevelsAreMended) {
  for (const std::string levels : {"01", "01234", "345", "024"}) {
    SCOPED_TRACE(levels);
    Cli({"flushall"});
    BookAnHour();
    for (const size_t i : {3U, 400U, 1300U, 1301U}) AddToSums(booked_.at(i), 1, levels);
    // It is not known whether a node that is partly outside the range has too much.
    ExpectFoundAndMended(
        {.from_ms = start_ms_ - 13 * 24 * kHourMs, .to_ms = start_ms_ + 13 * 24 * kHourMs});
  }
}

TEST_F(SumCheckTest, ASumWhosePaymentIsLostIsMended) {
  BookAnHour();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Asked({"eval", kLosePayment, "0", "-"}), "1\n");
  const SumsReport reported = ExpectFoundAndMended();
  int64_t too_many = 0;
  for (const SumDifference& it : reported.differences)
    too_many += it.summed.count - it.counted.count;
  EXPECT_EQ(too_many, 3);
}

// The same payments in the same span at other milliseconds: only summaries of short ranges differ.
TEST_F(SumCheckTest, ASumThatMovedByAMillisecondIsFound) {
  BookAnHour();
  RecordRequest moved = booked_.at(1300);
  AddToSums(moved, -1, "0");
  moved.claim.requested_at_ms ^= 1;
  AddToSums(moved, 1, "0");
  ExpectFoundAndMended();
}

TEST_F(SumCheckTest, AKeyThatIsLostIsMadeAgainWhicheverLevelItIsOf) {
  for (int level = 0; level <= 5; ++level) {
    SCOPED_TRACE(level);
    Cli({"flushall"});
    BookAnHour();
    const int64_t at_ms = booked_.at(1400).claim.requested_at_ms;
    ASSERT_EQ(Asked({"del", KeyOf(level, at_ms)}), "1\n");
    const SumsReport reported = ExpectFoundAndMended();
    for (const SumDifference& it : reported.differences) EXPECT_EQ(it.level, level);
  }
}

TEST_F(SumCheckTest, WhatIsListedAndNotInTheTreeYetIsMendedAsWell) {
  Book(Payments(20, start_ms_, 5));
  ASSERT_EQ(Asked({"eval", kLosePayment, "0", "-"}), "1\n");
  ExpectFoundAndMended();
  Book(Payments(20, start_ms_, 5));
  Cli({"del", "tollgate:s:0:recent"});
  ExpectFoundAndMended();
  Book(Payments(100, start_ms_, 5));
  EXPECT_TRUE(Check(false).differences.empty());
  ExpectSummariesAreThePayments();
}

TEST_F(SumCheckTest, SumsBeyondWhatIsExactInAScriptAreMended) {
  std::vector<RecordRequest> records = Payments(12'001, start_ms_, 3);
  for (RecordRequest& record : records) {
    record.claim.payment.amount_cents = payments::kAmountCentsMax - 8;  // odd, and so is the sum
    record.claim.processor = 0;
  }
  Book(Payments(100, start_ms_ + 10'000, 100));
  Book(records);
  ASSERT_GT(Summed({}).at(0).cents, int64_t{1} << 53);
  for (int level = 0; level <= 5; ++level) Cli({"del", KeyOf(level, start_ms_)});
  ExpectFoundAndMended();
  ASSERT_EQ(Asked({"eval", kLosePayment, "0", std::to_string(start_ms_ + 1)}), "1\n");
  ExpectFoundAndMended();
}

TEST_F(SumCheckTest, WhatIsOutOfTheRangeIsLeftAloneAndNeverMadeLess) {
  BookAnHour();
  const auto right = Summed({});
  const int64_t to_ms = start_ms_ + kHourMs / 2 + 150;  // in the middle of many
  std::vector<RecordRequest> early;
  for (const RecordRequest& it : booked_) {
    if (it.claim.requested_at_ms <= to_ms) early.push_back(it);
  }
  AddToSums(early.at(0), -1, "0");
  AddToSums(early.at(1), 1, "0");
  const payments::SummaryRange other{.from_ms = to_ms + 1, .to_ms = start_ms_ + kHourMs};
  EXPECT_TRUE(Check(true, other).differences.empty());
  EXPECT_EQ(Asked({"exists", "tollgate:mends"}), "0\n");
  // Keys that hold nodes of both sides.
  for (const int level : {0, 1, 2, 3}) {
    SCOPED_TRACE(level);
    ASSERT_EQ(Asked({"del", KeyOf(level, to_ms)}), "1\n");
    const SumsReport report = Check(true, {.from_ms = start_ms_, .to_ms = to_ms});
    EXPECT_EQ(error_, "");
    for (const SumDifference& it : report.differences) EXPECT_TRUE(it.mended) << it.level;
    EXPECT_EQ(Summed({}), right);
    ExpectFoundAndMended();
  }
}

TEST_F(SumCheckTest, SumsOfPaymentsThatAreForgottenAreNotJudged) {
  const int64_t now_ms = clock_.WallMillis();
  const auto old = Payments(300, now_ms - 30 * kHourMs, kHourMs);
  Book(old);
  MakeShelfOlder(90'000);
  Book(Payments(1, now_ms - 20 * kHourMs, kHourMs));
  MakeShelfOlder(90'000);
  BookAnHour();
  ASSERT_EQ(ShelfNumber(), "3");
  const auto right = Summed({});
  const auto expect_right = [&](const SumsReport& report) {
    EXPECT_EQ(error_, "");
    EXPECT_FALSE(report.all_known);
    EXPECT_GT(report.range.from_ms, now_ms - 26 * kHourMs);
    EXPECT_EQ(Summed({}), right);
  };
  const SumsReport report = Check(true);
  EXPECT_TRUE(report.differences.empty());
  expect_right(report);
  // What these nodes have lost is not known; the level above still knows it.
  std::vector<std::string> words{"del"};
  for (const auto& it : old) {
    for (const int level : {1, 2}) words.push_back(KeyOf(level, it.claim.requested_at_ms));
  }
  Cli(words);
  const SumsReport forgotten = Check(true);
  EXPECT_TRUE(forgotten.differences.empty());
  expect_right(forgotten);
  AddToSums(booked_.at(7), -1, "012345");
  const SumsReport mended = Check(true);
  EXPECT_EQ(mended.differences.size(), 1U);
  expect_right(mended);
}

}  // namespace
}  // namespace tollgate::reconcile

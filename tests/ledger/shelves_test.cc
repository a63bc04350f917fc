// How long the books know an id, and what happens with an id that they have forgotten.
#include <gtest/gtest.h>

#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

using ShelvesTest = PlaceTest;

TEST_P(ShelvesTest, AnIdIsKnownForTheWholeHorizonAndLaterForgotten) {
  constexpr int64_t kDay = 86'400;
  Connect({.dedup_window_s = 7 * kDay});
  const RecordRequest record{.claim = Request(1), .epoch_known = true, .epoch = 0};
  uint64_t number = 100;
  // Books a payment after `seconds`, so that a new shelf may begin.
  const auto after = [&](int64_t seconds) {
    hands_->MakeShelfOlder(seconds);
    ++number;
    ClaimRequest request = Request(number, static_cast<uint32_t>(number));
    request.requested_at_ms = clock_.WallMillis();
    EXPECT_EQ(Record(owner_, {{.claim = request}}).at(0).verdict, RecordVerdict::kDone);
    return hands_->ShelfNumber();
  };
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {record}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(after(7 * kDay - 60), 1) << "a shelf is as long as the window";
  // After any pause only one new shelf begins, so the payments booked last are still known.
  EXPECT_EQ(after(100 * kDay), 2);
  EXPECT_EQ(after(7 * kDay - 60), 2);
  EXPECT_EQ(Claim(owner_, {Request(1, 2)}).at(0).verdict, ClaimVerdict::kBooked);
  EXPECT_EQ(Record(owner_, {record}).at(0).verdict, RecordVerdict::kDone);
  const auto books = NewBooks();
  EXPECT_EQ(Total(*books), 4) << "counted again";

  EXPECT_TRUE(Find(*books, Request(1).payment.id)) << "forgotten within its window";
  EXPECT_EQ(after(7 * kDay), 3);
  EXPECT_FALSE(Find(*books, Request(1).payment.id));
  EXPECT_EQ(Total(*books), 5) << "sums are kept";
}

TEST_P(ShelvesTest, AShelfIsADayAtLeastAndItsClockNeverTurnsItBack) {
  constexpr int64_t kDay = 86'400;
  Connect({.dedup_window_s = 60});
  const std::vector<RecordRequest> one{{.claim = Request(1)}};
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  hands_->MakeShelfOlder(kDay - 60);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(hands_->ShelfNumber(), 1);
  hands_->MakeShelfOlder(60);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(hands_->ShelfNumber(), 2);
  // As after a server with a clock that was ahead.
  for (const int64_t ahead : {int64_t{3}, 1'000 * kDay}) {
    hands_->MakeShelfOlder(-ahead);
    EXPECT_EQ(Claim(owner_, {Request(1, 7)}).at(0).verdict, ClaimVerdict::kBooked);
    ASSERT_EQ(Record(owner_, one).size(), 1U);
    EXPECT_EQ(hands_->ShelfNumber(), 2);
  }
  hands_->MakeShelfOlder(kDay);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(hands_->ShelfNumber(), 3)
      << "a clock that was wrong once must not keep a shelf for ever";
}

// The owner was away with the payment for longer than the books remember, or a client repeats an
// old id and the processor says that it has it.
TEST_P(ShelvesTest, WhatMayHaveBeenCountedAndForgottenIsNotCountedAgain) {
  Connect();
  const auto record = [&](uint64_t id, int64_t at_ms) {
    RecordRequest request{.claim = Request(id, static_cast<uint32_t>(id))};
    request.claim.requested_at_ms = at_ms;
    return request;
  };
  const int64_t now_ms = clock_.WallMillis();
  constexpr int64_t kDayMs = 86'400'000;
  // 1 is booked long ago. 2 is claimed at the same time, and its outcome stays unknown.
  const RecordRequest first = record(1, now_ms - 3 * kDayMs);
  const RecordRequest second = record(2, now_ms - 3 * kDayMs);
  ASSERT_EQ(Claim(owner_, {first.claim, second.claim}).size(), 2U);
  ASSERT_EQ(Record(owner_, {first}).at(0).verdict, RecordVerdict::kDone);
  for (uint64_t id = 10; id < 12; ++id) {
    hands_->MakeShelfOlder(86'400);
    ASSERT_EQ(Record(owner_, {record(id, now_ms)}).at(0).verdict, RecordVerdict::kDone);
  }
  ASSERT_EQ(hands_->ShelfNumber(), 3);
  const auto books = NewBooks();
  ASSERT_EQ(Total(*books), 3);
  // The owner returns and records 1 again.
  EXPECT_EQ(Record(owner_, {first}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(Total(*books), 3) << "counted twice";
  EXPECT_NE(Told().find("payments booked before the time that the books remember: 1"),
            std::string::npos)
      << Told();
  // The claim is as old as the payment, so it was not counted before.
  EXPECT_EQ(Record(owner_, {second}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(Total(*books), 4);
  // 3 was booked long ago and is claimed again; the processor reports when it had booked it.
  ASSERT_EQ(Claim(owner_, {record(3, now_ms).claim}).at(0).verdict, ClaimVerdict::kYours);
  EXPECT_EQ(Record(owner_, {record(3, now_ms - 3 * kDayMs)}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(Total(*books), 4);
  // Recording again changes nothing.
  ASSERT_EQ(Record(owner_, {first, second, record(3, now_ms - 3 * kDayMs)}).size(), 3U);
  EXPECT_EQ(Total(*books), 4);
  EXPECT_EQ(Claim(owner_, {record(3, now_ms).claim}).at(0).verdict, ClaimVerdict::kBooked);
}

TOLLGATE_IN_EACH_PLACE(ShelvesTest);

}  // namespace
}  // namespace tollgate::ledger

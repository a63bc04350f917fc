// How long the books know an id, and what happens with an id that they have forgotten.
#include <gtest/gtest.h>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

TEST_F(RedisLedgerTest, AnIdIsKnownForTheWholeHorizonAndLaterForgotten) {
  constexpr int64_t kDay = 86'400;
  RedisOptions options = Options();
  options.dedup_window_s = 7 * kDay;
  ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "");
  ledger_->SetEvents(this);
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  const RecordRequest record{.claim = Request(1), .epoch_known = true, .epoch = 0};
  uint64_t number = 100;
  // Books a payment after `seconds`, so that a new shelf may begin.
  const auto after = [&](int64_t seconds) {
    MakeShelfOlder(seconds);
    ++number;
    ClaimRequest request = Request(number, static_cast<uint32_t>(number));
    request.requested_at_ms = clock_.WallMillis();
    EXPECT_EQ(Record(owner_, {{.claim = request}}).at(0).verdict, RecordVerdict::kDone);
    return ShelfNumber();
  };
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {record}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(after(7 * kDay - 60), "1") << "a shelf is as long as the window";
  // After any pause only one new shelf begins, so the payments booked last are still known.
  EXPECT_EQ(after(100 * kDay), "2");
  EXPECT_EQ(after(7 * kDay - 60), "2");
  EXPECT_EQ(Claim(owner_, {Request(1, 2)}).at(0).verdict, ClaimVerdict::kBooked);
  EXPECT_EQ(Record(owner_, {record}).at(0).verdict, RecordVerdict::kDone);
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto total = [&] {
    int64_t count = -1;
    books.GetSummary({}, [&](const auto& summary) { count = summary->at(0).count; });
    EXPECT_TRUE(Until([&] { return count >= 0; }));
    return count;
  };
  EXPECT_EQ(total(), 4) << "counted again";

  RedisLeaseStore lease(loop_, Options());
  lease.Start();
  const auto known = [&] {
    std::optional<std::optional<BookEntry>> answer;
    bool answered = false;
    books.Find(Request(1).payment.id, [&](auto found) {
      answer = found;
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    return answer.has_value() && answer->has_value();
  };
  // The answer may come after the turn: then it counts in the next turn.
  const auto held = std::make_shared<bool>(false);
  const auto renew = [&] {
    lease.Acquire("token", 5'000, {}, [held](const auto& view) { *held = view && view->held; });
    loop_.RunOnce(10);
    return std::exchange(*held, false);
  };
  for (int i = 0; i < 50;) i += renew() ? 1 : 0;
  EXPECT_TRUE(known()) << "cleared away within its window";
  EXPECT_EQ(after(7 * kDay), "3");
  EXPECT_FALSE(known());
  EXPECT_TRUE(Until([&] {
    renew();
    return KeysLike("tollgate:k:0:1:*") == 0;
  })) << "the window has passed";
  EXPECT_GT(KeysLike("tollgate:k:0:2:*"), 0);
  EXPECT_EQ(total(), 5) << "sums are kept";
}

TEST_F(RedisLedgerTest, AShelfIsADayAtLeastAndItsClockNeverTurnsItBack) {
  constexpr int64_t kDay = 86'400;
  RedisOptions options = Options();
  options.dedup_window_s = 60;
  ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "");
  ledger_->SetEvents(this);
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  const std::vector<RecordRequest> one{{.claim = Request(1)}};
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  MakeShelfOlder(kDay - 60);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(ShelfNumber(), "1");
  MakeShelfOlder(60);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(ShelfNumber(), "2");
  // As after a server with a clock that was ahead.
  for (const int64_t ahead : {int64_t{3}, 1'000 * kDay}) {
    MakeShelfOlder(-ahead);
    EXPECT_EQ(Claim(owner_, {Request(1, 7)}).at(0).verdict, ClaimVerdict::kBooked);
    ASSERT_EQ(Record(owner_, one).size(), 1U);
    EXPECT_EQ(ShelfNumber(), "2");
  }
  MakeShelfOlder(kDay);
  ASSERT_EQ(Record(owner_, one).size(), 1U);
  EXPECT_EQ(ShelfNumber(), "3") << "a clock that was wrong once must not keep a shelf for ever";
}

// For any bucket of an id, and any setting at the time when its shelf began.
TEST_F(RedisLedgerTest, AShelfKeepsItsNumberOfBucketsAndTheNextOneHasTheNewNumber) {
  uint64_t number = 0;
  std::vector<ClaimRequest> booked;
  for (size_t buckets = kBucketsMin; buckets <= kBucketsMax; buckets *= 2) {
    RedisOptions options = Options();
    options.buckets = buckets;
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "");
    ledger_->SetEvents(this);
    ledger_->Start();
    ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
    if (number != 0) MakeShelfOlder(86'400);
    std::vector<RecordRequest> records;
    for (int i = 0; i < 100; ++i) {
      ++number;
      records.push_back({.claim = Request(number, static_cast<uint32_t>(number))});
      booked.push_back(records.back().claim);
    }
    ASSERT_EQ(Record(owner_, records).size(), records.size()) << told_;
    const size_t known = std::min<size_t>(booked.size(), 200);
    for (const ClaimReply& reply :
         Claim(owner_, {booked.end() - static_cast<std::ptrdiff_t>(known), booked.end()})) {
      EXPECT_EQ(reply.verdict, ClaimVerdict::kBooked) << buckets;
    }
  }
  EXPECT_EQ(ShelfNumber(), "11");
  EXPECT_EQ(KeysLike("tollgate:k:0:11:???"), 100) << "22 bits are in three bytes";
}

// The owner was away with the payment for longer than the books remember, or a client repeats an
// old id and the processor says that it has it.
TEST_F(RedisLedgerTest, WhatMayHaveBeenCountedAndForgottenIsNotCountedAgain) {
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
    MakeShelfOlder(86'400);
    ASSERT_EQ(Record(owner_, {record(id, now_ms)}).at(0).verdict, RecordVerdict::kDone);
  }
  ASSERT_EQ(ShelfNumber(), "3");
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto total = [&] {
    int64_t count = -1;
    books.GetSummary({}, [&](const auto& summary) { count = summary->at(0).count; });
    EXPECT_TRUE(Until([&] { return count >= 0; }));
    return count;
  };
  ASSERT_EQ(total(), 3);
  // The owner returns and records 1 again.
  EXPECT_EQ(Record(owner_, {first}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(total(), 3) << "counted twice";
  EXPECT_NE(told_.find("payments booked before the time that the books remember: 1"),
            std::string::npos)
      << told_;
  // The claim is as old as the payment, so it was not counted before.
  EXPECT_EQ(Record(owner_, {second}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(total(), 4);
  // 3 was booked long ago and is claimed again; the processor reports when it had booked it.
  ASSERT_EQ(Claim(owner_, {record(3, now_ms).claim}).at(0).verdict, ClaimVerdict::kYours);
  EXPECT_EQ(Record(owner_, {record(3, now_ms - 3 * kDayMs)}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(total(), 4);
  // Recording again changes nothing.
  ASSERT_EQ(Record(owner_, {first, second, record(3, now_ms - 3 * kDayMs)}).size(), 3U);
  EXPECT_EQ(total(), 4);
  EXPECT_EQ(Claim(owner_, {record(3, now_ms).claim}).at(0).verdict, ClaimVerdict::kBooked);
}

}  // namespace
}  // namespace tollgate::ledger

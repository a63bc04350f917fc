// What happens to the books while their sums are compared and mended.
#include <gtest/gtest.h>

#include <set>

#include "ledger/spread_id.h"
#include "reconcile/sum_check.h"
#include "tests/reconcile/sum_check_fixture.h"

namespace tollgate::reconcile {
namespace {

// A new shelf begins while the payments are read: what was on the older one is forgotten.
TEST_F(SumCheckTest, AShelfThatIsForgottenDuringTheRunIsNoDifference) {
  const int64_t now_ms = clock_.WallMillis();
  Book(Payments(300, now_ms - 30 * kHourMs, kHourMs));
  MakeShelfOlder(90'000);
  Book(Payments(300, now_ms - 20 * kHourMs, kHourMs));
  ASSERT_EQ(ShelfNumber(), "2");
  auto right = Summed({});
  const auto late = Payments(1, now_ms - 20 * kHourMs, kHourMs);
  int turns = 0;
  const SumsReport report = Check(true, Usual(), [&] {
    if (++turns != 200) return;
    MakeShelfOlder(90'000);
    ledger_->Record(owner_, late, ++batch_);
  });
  ASSERT_TRUE(Until([&] { return done_ == batch_; }));
  EXPECT_EQ(ShelfNumber(), "3");
  EXPECT_EQ(error_, "");
  EXPECT_FALSE(report.all_known);
  EXPECT_TRUE(report.differences.empty());
  SumFigures& sum = right[late[0].claim.processor];
  sum = Plus(sum, {1, late[0].claim.payment.amount_cents});
  EXPECT_EQ(Summed({}), right);
}

TEST_F(SumCheckTest, WhatIsBookedAndNotCountedIsNotInTheSums) {
  Book(Payments(100, start_ms_, kHourMs));
  bool purged = false;
  books_->Purge([&](bool done) { purged = done; });
  ASSERT_TRUE(Until([&] { return purged; }));
  auto records = Payments(200, start_ms_, kHourMs);
  for (size_t i = 0; i < records.size(); i += 2) {
    records[i].epoch_known = true;
    records[i].epoch = 0;
  }
  Book(records);
  const SumsReport report = Check(true);
  EXPECT_EQ(error_, "");
  EXPECT_TRUE(report.differences.empty());
  ExpectSummariesAreThePayments();
}

// A hash that shrinks during a scan may list some of its fields again.
TEST_F(SumCheckTest, APaymentThatIsToldTwiceIsCountedOnce) {
  class TellsAgain final : public ledger::ClaimReader {
   public:
    explicit TellsAgain(ledger::ClaimReader& reader) : reader_(reader) {}
    void Read(const ledger::ClaimCursor& cursor, OnPage done) override {
      bool again = cursor.scan != "0" && again_.erase(cursor.scan) == 0;
      if (again) again_.insert(cursor.scan);
      if (again) ++pages_;
      reader_.Read(cursor, [again, cursor, done = std::move(done)](auto page) {
        if (page && again) page->next = cursor;
        done(std::move(page));
      });
    }
    size_t pages() const { return pages_; }

   private:
    ledger::ClaimReader& reader_;
    std::set<std::string> again_;
    size_t pages_ = 0;
  };
  auto records = Payments(2000, start_ms_, kHourMs);
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].claim.payment.id = ledger::Unspread({uint64_t{0xABCD} << 48U | i, i});
  }
  Book(records);
  TellsAgain reader(*claims_);
  SumCheck check({.loop = loop_, .claims = reader, .nodes = *nodes_},
                 {.range = Usual(), .repair = true, .pause_ms = 1});
  EXPECT_EQ(check.Run(), "");
  EXPECT_GT(reader.pages(), 3U);
  EXPECT_TRUE(check.report().differences.empty());
  ExpectSummariesAreThePayments();
}

// Payments are recorded at each turn, most of them at times that are compared.
TEST_F(SumCheckTest, PaymentsThatAreRecordedMeanwhileAreNoDifferenceAndEachIsCountedOnce) {
  BookAnHour();
  uint64_t recorded = 0;
  bool under_way = false;
  const auto record_some = [&] {
    if (under_way && done_ != batch_) return;
    under_way = true;
    ledger_->Record(owner_, Payments(1 + random_.Below(9), start_ms_ + kHourMs / 2, 60'000),
                    ++batch_);
    ++recorded;
  };
  const SumsReport fine = Check(false, Usual(), record_some);
  EXPECT_EQ(error_, "");
  EXPECT_TRUE(fine.differences.empty());
  EXPECT_GT(recorded, 100U);

  // Wrong sums where payments arrive, on all levels and on some.
  for (const size_t i : {1200U, 1300U, 1400U, 1500U, 5U}) AddToSums(booked_.at(i), -1, "012345");
  for (const size_t i : {1250U, 1350U}) AddToSums(booked_.at(i), 1, "012");
  for (int i = 0; i < 5; ++i) ASSERT_EQ(Asked({"eval", kLosePayment, "0", "-"}), "1\n");
  Cli({"del", KeyOf(1, booked_.at(1200).claim.requested_at_ms)});
  const SumsReport report = Check(true, Usual(), record_some);
  EXPECT_EQ(error_, "");
  EXPECT_GE(report.differences.size(), 3U);
  for (const SumDifference& it : report.differences) EXPECT_TRUE(it.mended) << it.level;
  ASSERT_TRUE(Until([&] { return done_ == batch_; }));
  EXPECT_TRUE(Check(false).differences.empty());
  ExpectSummariesAreThePayments();
}

// A sum that is not as it was compared is not changed.
TEST_F(SumCheckTest, AMendOfAnythingElseThanWasComparedChangesNothing) {
  Book(Payments(100, start_ms_, 1));
  const SumFigures was = Summed({}).at(0);
  const ledger::SumCell cell{.at_ms = start_ms_, .was = was, .is = {was.count + 1, was.cents + 5}};
  const ledger::MendRequest fine{.epoch = 0,
                                 .shelf = 1,
                                 .mends = 0,
                                 .processor = 0,
                                 .range = {},
                                 .level = 2,
                                 .node = start_ms_ >> kSpanBits,
                                 .cells = {&cell, 1}};
  const auto mend = [&](const ledger::MendRequest& request) {
    std::optional<std::optional<ledger::MendReply>> reply;
    nodes_->Mend(request, [&](auto answer) { reply = answer; });
    EXPECT_TRUE(Until([&] { return reply.has_value(); }) && *reply) << told_;
    return reply && *reply && (*reply)->mended;
  };
  std::vector<ledger::MendRequest> others(6, fine);
  others[0].epoch = 1;
  others[1].shelf = 2;
  others[2].mends = 1;
  ledger::SumCell other_count = cell, other_cents = cell;
  ++other_count.was.count;
  --other_cents.was.cents;
  others[3].cells = {&other_count, 1};
  others[4].cells = {&other_cents, 1};
  const ledger::SumCell both[]{cell, {.at_ms = start_ms_ ^ 1, .was = {1, 1}, .is = {2, 2}}};
  others[5].cells = both;
  for (const ledger::MendRequest& other : others) EXPECT_FALSE(mend(other));
  EXPECT_EQ(Summed({}).at(0), was);
  EXPECT_TRUE(mend(fine));
  EXPECT_EQ(Summed({}).at(0), cell.is);
  EXPECT_FALSE(mend(fine)) << "by what somebody else compared before";
  EXPECT_EQ(Summed({}).at(0), cell.is);
  // A payment that is only listed so far is a part of what was compared.
  RecordRequest late = Payments(1, start_ms_, 1)[0];
  late.claim.processor = 0;
  Book({late});
  ledger::MendRequest later = fine;
  later.mends = 1;
  const ledger::SumCell before{.at_ms = start_ms_, .was = cell.is, .is = was};
  later.cells = {&before, 1};
  EXPECT_FALSE(mend(later));
  EXPECT_EQ(Summed({}).at(0), Plus(cell.is, {1, late.claim.payment.amount_cents}));
}

// Redis does not undo what a script wrote before an error: the next call completes it.
TEST_F(SumCheckTest, AMendThatIsInterruptedIsCompleted) {
  for (const std::string denied : {"hset", "set", "del"}) {
    SCOPED_TRACE(denied);
    Cli({"flushall"});
    BookAnHour();
    AddToSums(booked_.at(700), -1, "012345");
    const SumsReport reported = Check(false);
    ASSERT_EQ(reported.differences.size(), 1U);
    const SumDifference& it = reported.differences[0];
    const ledger::SumCell cell{.at_ms = it.from_ms,
                               .was = {it.summed.count, it.summed.amount_cents},
                               .is = {it.counted.count, it.counted.amount_cents}};
    Cli({"acl", "setuser", "default", "-" + denied});
    bool answered = false;
    nodes_->Mend({.epoch = 0,
                  .shelf = 1,
                  .mends = 0,
                  .processor = it.processor,
                  .range = Usual(),
                  .level = 2,
                  .node = it.node,
                  .cells = {&cell, 1}},
                 [&](const auto& reply) {
                   EXPECT_FALSE(reply.has_value());
                   answered = true;
                 });
    ASSERT_TRUE(Until([&] { return answered; }));
    Cli({"acl", "setuser", "default", "+@all"});
    ASSERT_TRUE(Until([&] { return nodes_->ready(); })) << told_;
    const SumsReport report = Check(true);
    EXPECT_EQ(error_, "");
    for (const SumDifference& left : report.differences) EXPECT_TRUE(left.mended);
    EXPECT_EQ(report.differences.size(), denied == "set" ? 1U : 0U) << "nothing was begun";
    ExpectSummariesAreThePayments();
  }
}

TEST_F(SumCheckTest, APurgeDuringTheRunIsNoDifference) {
  BookAnHour();
  int turns = 0;
  const SumsReport report = Check(true, Usual(), [&] {
    if (++turns == 300) books_->Purge([](bool) {});
  });
  EXPECT_GT(turns, 300);
  EXPECT_EQ(error_, "");
  EXPECT_TRUE(report.compared);
  EXPECT_TRUE(report.differences.empty());
  EXPECT_TRUE(Summed({}).empty());
}

TEST_F(SumCheckTest, ARedisThatDoesNotAnswerIsAnErrorThatSaysWhatToDo) {
  redis_.Kill();
  ASSERT_TRUE(Until([&] { return !nodes_->ready(); }));
  SumCheck check({.loop = loop_, .claims = *claims_, .nodes = *nodes_},
                 {.range = {}, .patience_ms = 50, .pause_ms = 1});
  EXPECT_NE(check.Run().find("run this again"), std::string::npos);
  EXPECT_FALSE(check.report().compared);
}

}  // namespace
}  // namespace tollgate::reconcile

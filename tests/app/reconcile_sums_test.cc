// Sums that disagree with the payments on the books, on a real Redis: found, told of to the cent,
// and mended, also while payments are recorded.
#include "app/reconcile_sums.h"

#include <gtest/gtest.h>

#include <set>

#include "ledger/spread_id.h"
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/base/random.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::app {
namespace {

using ledger::RecordRequest;
using ledger::SumFigures;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

// Adds to nodes of a processor over one millisecond, as no script of ours does.
// ARGV: index of the processor, ms, count, cents, the levels.
constexpr const char* kAddToSums = R"(
  local at = tonumber(ARGV[2])
  for level in string.gmatch(ARGV[5], '%d') do
    level = tonumber(level)
    local node = math.floor(at / 64 ^ level)
    local key, index = 'tollgate:s:0:5', struct.pack('>I2', node)
    if level < 5 then
      local parent = math.floor(node / 64)
      key, index = string.format('tollgate:s:0:%d:%d', level, parent), string.char(node % 64)
    end
    redis.call('HINCRBY', key, 'c' .. string.char(ARGV[1]) .. index, ARGV[3])
    redis.call('HINCRBY', key, 'a' .. string.char(ARGV[1]) .. index, ARGV[4])
  end
  return 1)";

// Takes a counted payment off its shelf: one of the millisecond in ARGV[1], or of any if it is '-'.
constexpr const char* kLosePayment = R"(
  for _, key in ipairs(redis.call('KEYS', 'tollgate:k:0:*')) do
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
      local kind, _, at = struct.unpack('>I1I1I6', fields[i + 1])
      if kind == 0 and (ARGV[1] == '-' or at == tonumber(ARGV[1])) then
        return redis.call('HDEL', key, fields[i])
      end
    end
  end
  return 0)";

class SumCheckTest : public ledger::RedisLedgerTest {
 protected:
  void SetUp() override {
    StartRedis();
    Connect();
    books_ = std::make_unique<ledger::RedisBooks>(loop_, Options(), directory_);
    claims_ = std::make_unique<ledger::RedisClaimReader>(loop_, Options(), directory_);
    nodes_ = std::make_unique<ledger::RedisSumNodes>(loop_, Options(), directory_);
    books_->Start();
    claims_->Start();
    nodes_->Start();
    ASSERT_TRUE(Until([&] { return books_->ready() && claims_->ready() && nodes_->ready(); }));
    start_ms_ = clock_.WallMillis() - kHourMs;
  }

  // So many new payments, each at a time from `first_ms` on, in a time that is so long.
  std::vector<RecordRequest> Payments(size_t count, int64_t first_ms, uint64_t long_ms) {
    std::vector<RecordRequest> records;
    for (size_t i = 0; i < count; ++i) {
      ++number_;
      RecordRequest record{.claim = Request(number_, static_cast<uint32_t>(number_))};
      record.claim.payment.id = {number_ * 0x9E3779B97F4A7C15U, number_};
      record.claim.payment.amount_cents = 1 + static_cast<int64_t>(random_.Below(100'000));
      record.claim.requested_at_ms = first_ms + static_cast<int64_t>(random_.Below(long_ms));
      record.claim.processor = static_cast<payments::ProcessorId>(random_.Below(2));
      records.push_back(record);
    }
    return records;
  }
  void Book(const std::vector<RecordRequest>& records) {
    for (size_t i = 0; i < records.size(); i += 200) {
      const auto first = records.begin() + static_cast<std::ptrdiff_t>(i);
      const size_t count = std::min<size_t>(200, records.size() - i);
      ASSERT_EQ(Record(owner_, {first, first + static_cast<std::ptrdiff_t>(count)}).size(), count)
          << told_;
    }
  }
  // An hour of payments, some in the same span and a few in the same millisecond; told to the tree.
  void BookAnHour() {
    booked_ = Payments(1200, start_ms_, kHourMs);
    const auto close = Payments(400, start_ms_ + kHourMs / 2, 300);
    booked_.insert(booked_.end(), close.begin(), close.end());
    Book(booked_);
  }
  void AddToSums(const RecordRequest& payment, int64_t times, const std::string& levels) {
    const auto& claim = payment.claim;
    Cli({"eval", kAddToSums, "0", std::to_string(IndexOf(claim.processor)),
         std::to_string(claim.requested_at_ms), std::to_string(times),
         std::to_string(times * claim.payment.amount_cents), levels});
  }
  int IndexOf(payments::ProcessorId id) {
    return std::stoi(Asked({"hget", "tollgate:names", directory_.Name(id)}));
  }
  static std::string KeyOf(int level, int64_t at_ms) {
    if (level == 5) return "tollgate:s:0:5";
    return "tollgate:s:0:" + std::to_string(level) + ":" +
           std::to_string(at_ms >> (6 * (level + 1)));
  }

  // Two days and what is not yet.
  payments::SummaryRange Usual() const {
    return {.from_ms = start_ms_ - 47 * kHourMs, .to_ms = start_ms_ + 2 * kHourMs};
  }
  SumsReport Check(bool repair) {
    return Check(repair, Usual(), [] {});
  }
  SumsReport Check(bool repair, const payments::SummaryRange& range) {
    return Check(repair, range, [] {});
  }
  SumsReport Check(bool repair, const payments::SummaryRange& range,
                   const std::function<void()>& on_turn) {
    SumCheck check({.loop = loop_, .claims = *claims_, .nodes = *nodes_, .on_turn = on_turn},
                   {.range = range, .repair = repair, .pause_ms = 1});
    error_ = check.Run();
    return check.report();
  }
  // Told of, then mended, then right.
  SumsReport ExpectFoundAndMended() { return ExpectFoundAndMended(Usual()); }
  SumsReport ExpectFoundAndMended(const payments::SummaryRange& range) {
    const SumsReport told = Check(false, range);
    EXPECT_EQ(error_, "");
    EXPECT_FALSE(told.differences.empty());
    for (const SumDifference& it : told.differences) EXPECT_FALSE(it.mended);
    const SumsReport again = Check(true, range);
    EXPECT_EQ(error_, "");
    EXPECT_EQ(again.differences.size(), told.differences.size()) << "mended without --repair";
    for (const SumDifference& it : again.differences) EXPECT_TRUE(it.mended) << it.level;
    EXPECT_TRUE(Check(false, range).differences.empty());
    ExpectSummariesAreThePayments();
    return told;
  }

  using Totals = std::map<payments::ProcessorId, SumFigures>;
  static void Drop0(Totals& totals) {
    std::erase_if(totals, [](const auto& it) { return it.second == SumFigures{}; });
  }
  Totals Summed(const payments::SummaryRange& range) {
    std::optional<std::optional<payments::Summary>> answer;
    books_->GetSummary(range, [&](auto summary) { answer = std::move(summary); });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    EXPECT_TRUE(answer && *answer) << told_;
    Totals totals;
    for (const auto& it : answer.value_or(std::nullopt).value_or(payments::Summary{})) {
      totals[*directory_.Find(it.name)] = {it.count, it.amount_cents};
    }
    Drop0(totals);
    return totals;
  }
  // By processor and millisecond, from the shelves.
  std::map<std::pair<int64_t, payments::ProcessorId>, SumFigures> OnTheShelves() {
    std::map<std::pair<int64_t, payments::ProcessorId>, SumFigures> all;
    std::optional<ledger::ClaimCursor> cursor = ledger::ClaimCursor{};
    while (cursor) {
      std::optional<std::optional<ledger::ClaimPage>> page;
      claims_->Read(*cursor, [&](auto answer) { page = std::move(answer); });
      EXPECT_TRUE(Until([&] { return page.has_value(); }) && *page) << told_;
      if (!page || !*page) break;
      for (const auto& [id, entry] : (*page)->claims) {
        if (!entry.counted) continue;
        SumFigures& sum = all[{entry.requested_at_ms, entry.processor}];
        sum = Plus(sum, {1, entry.amount_cents});
      }
      cursor = (*page)->next;
    }
    return all;
  }
  void ExpectSummariesAreThePayments() {
    const auto payments = OnTheShelves();
    const auto expect = [&](const payments::SummaryRange& range) {
      Totals totals;
      for (const auto& [key, sum] : payments) {
        if (key.first < range.from_ms || key.first > range.to_ms) continue;
        totals[key.second] = Plus(totals[key.second], sum);
      }
      ASSERT_EQ(Summed(range), totals) << range.from_ms << " to " << range.to_ms;
    };
    expect({});
    for (int i = 0; i < 300; ++i) {
      const int64_t from_ms = start_ms_ - 1000 + static_cast<int64_t>(random_.Below(kHourMs));
      const uint64_t long_ms = uint64_t{1} << random_.Below(23);
      expect({.from_ms = from_ms, .to_ms = from_ms + static_cast<int64_t>(random_.Below(long_ms))});
    }
    for (const auto& [key, sum] : payments) {
      if (random_.Below(20) == 0) expect({.from_ms = key.first, .to_ms = key.first});
    }
  }

  std::unique_ptr<ledger::RedisBooks> books_;
  std::unique_ptr<ledger::RedisClaimReader> claims_;
  std::unique_ptr<ledger::RedisSumNodes> nodes_;
  base::Random random_{11};
  int64_t start_ms_ = 0;
  uint64_t number_ = 0;
  std::vector<RecordRequest> booked_;
  std::string error_;
};

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
  const SumsReport told = ExpectFoundAndMended();
  ASSERT_EQ(told.differences.size(), 1U);
  const SumDifference& it = told.differences[0];
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
    // Of a node that reaches beyond what is judged it cannot be said that it has too much.
    ExpectFoundAndMended(
        {.from_ms = start_ms_ - 13 * 24 * kHourMs, .to_ms = start_ms_ + 13 * 24 * kHourMs});
  }
}

TEST_F(SumCheckTest, ASumWhosePaymentIsLostIsMended) {
  BookAnHour();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(Asked({"eval", kLosePayment, "0", "-"}), "1\n");
  const SumsReport told = ExpectFoundAndMended();
  int64_t too_many = 0;
  for (const SumDifference& it : told.differences) too_many += it.summed.count - it.counted.count;
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
    const SumsReport told = ExpectFoundAndMended();
    for (const SumDifference& it : told.differences) EXPECT_EQ(it.level, level);
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
  // What those have lost nobody knows; the level above still does.
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

// The shelf moves on while the payments are read: what was on the older one is forgotten.
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

// As a hash that shrinks while it is scanned tells some of its fields again.
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

// Payments that are recorded at each turn, most of them at times that are judged.
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

  // Wrong ones where payments arrive, on all levels and on some.
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

// What is not as it was compared is not touched.
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
  // One that is only listed yet is a part of what was compared.
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

// Nothing undoes what a script wrote before an error: whoever calls next completes it.
TEST_F(SumCheckTest, AMendThatIsInterruptedIsCompleted) {
  for (const std::string denied : {"hset", "set", "del"}) {
    SCOPED_TRACE(denied);
    Cli({"flushall"});
    BookAnHour();
    AddToSums(booked_.at(700), -1, "012345");
    const SumsReport told = Check(false);
    ASSERT_EQ(told.differences.size(), 1U);
    const SumDifference& it = told.differences[0];
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
}  // namespace tollgate::app

// The totals on the books: what a summary reads after records and purges.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

TEST_F(RedisLedgerTest, APurgeEmptiesTheBooksAndALateRecordIsNotCounted) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1), Request(2, 2)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto total = [&] {
    int64_t count = -1;
    books.GetSummary({}, [&](const auto& summary) { count = summary->at(0).count; });
    EXPECT_TRUE(Until([&] { return count >= 0; }));
    return count;
  };
  EXPECT_EQ(total(), 1);
  bool purged = false;
  books.Purge([&](bool done) { purged = done; });
  ASSERT_TRUE(Until([&] { return purged; }));
  EXPECT_EQ(total(), 0);
  ASSERT_TRUE(Until([&] { return KeysLike("tollgate:[ks]:0:*") == 0; })) << "not cleared away";
  // Claimed before the purge: accepted, and not counted.
  EXPECT_EQ(
      Record(owner_, {{.claim = Request(2, 2), .epoch_known = true, .epoch = 0}}).at(0).verdict,
      RecordVerdict::kDone);
  EXPECT_EQ(total(), 0);
  EXPECT_EQ(Claim(owner_, {Request(2, 9)}).at(0).verdict, ClaimVerdict::kBooked);
}

TEST_F(RedisLedgerTest, ASumThatRedisCannotReadIsNoAnswerRatherThanNothing) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto ask = [&] {
    std::optional<payments::Summary> summary;
    bool answered = false;
    books.GetSummary({}, [&](auto answer) {
      summary = std::move(answer);
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    return summary;
  };
  ASSERT_TRUE(ask().has_value());
  Cli({"set", "tollgate:s:0:5", "no hash"});
  EXPECT_FALSE(ask().has_value());
  EXPECT_NE(told_.find("WRONGTYPE"), std::string::npos) << told_;
  Cli({"del", "tollgate:s:0:5"});
  EXPECT_TRUE(ask().has_value());
  Cli({"append", "tollgate:s:0:recent", "half"});
  EXPECT_FALSE(ask().has_value());
  Cli({"del", "tollgate:s:0:recent"});
  EXPECT_TRUE(ask().has_value());
}

// The last payments are only listed and go into the tree together: before, between and after that.
TEST_F(RedisLedgerTest, ASummaryIsExactWhicheverPartOfItIsInTheTree) {
  Connect();
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto total = [&](const payments::SummaryRange& range) {
    payments::Summary summary;
    books.GetSummary(range, [&](const auto& answer) { summary = *answer; });
    EXPECT_TRUE(Until([&] { return !summary.empty(); }));
    return std::pair(summary.at(0).count, summary.at(0).amount_cents);
  };
  std::map<int64_t, int64_t> count_at, cents_at;
  uint64_t number = 0;
  const auto check = [&](int64_t from_ms, int64_t to_ms) {
    int64_t count = 0, cents = 0;
    for (auto it = count_at.lower_bound(from_ms); it != count_at.upper_bound(to_ms); ++it) {
      count += it->second;
      cents += cents_at[it->first];
    }
    EXPECT_EQ(total({.from_ms = from_ms, .to_ms = to_ms}), std::pair(count, cents))
        << number << " on the books, of " << from_ms << " to " << to_ms;
  };
  constexpr int64_t kStartMs = 1'752'583'000'000;
  // Some alone, then more at once than are ever only listed, then a few more.
  for (const int batch : {1, 1, 30, 31, 1, 1, 100, 5, 63, 64, 1}) {
    std::vector<RecordRequest> records;
    for (int i = 0; i < batch; ++i) {
      ++number;
      RecordRequest record{.claim = Request(number, static_cast<uint32_t>(number))};
      record.claim.requested_at_ms = kStartMs + static_cast<int64_t>(number) * 3 / 2;
      record.claim.payment.amount_cents = static_cast<int64_t>(number);
      ++count_at[record.claim.requested_at_ms];
      cents_at[record.claim.requested_at_ms] += record.claim.payment.amount_cents;
      records.push_back(record);
    }
    ASSERT_EQ(Record(owner_, records).size(), records.size()) << told_;
    const int64_t last_ms = count_at.rbegin()->first;
    for (int64_t ms = last_ms - 70; ms <= last_ms + 2; ms += 9) {
      check(ms, ms + 9);
      check(kStartMs, ms);
      check(ms, last_ms);
    }
    ASSERT_EQ(Record(owner_, records).size(), records.size())
        << told_;  // recorded twice, counted once
    check(0, 2 * kStartMs);
  }
}

// The keys of sums have the epoch in their names, which is not known before the first query.
TEST_F(RedisLedgerTest, ASummaryKnowsOfAPurgeThatAnotherInstanceMade) {
  Connect();
  RedisBooks books(loop_, Options(), directory_);
  RedisBooks other(loop_, Options(), directory_);
  books.Start();
  other.Start();
  ASSERT_TRUE(Until([&] { return books.ready() && other.ready(); }));
  const auto total = [&] {
    int64_t count = -1;
    books.GetSummary({}, [&](const auto& summary) { count = summary->at(0).count; });
    EXPECT_TRUE(Until([&] { return count >= 0; }));
    return count;
  };
  for (uint64_t i = 1; i <= 3; ++i) {
    const ClaimRequest request = Request(i, static_cast<uint32_t>(i));
    ASSERT_EQ(Claim(owner_, {request}).at(0).verdict, ClaimVerdict::kYours);
    ASSERT_EQ(
        Record(owner_,
               {{.claim = request, .epoch_known = true, .epoch = static_cast<uint32_t>(i - 1)}})
            .at(0)
            .verdict,
        RecordVerdict::kDone);
    EXPECT_EQ(total(), 1) << "after " << i - 1 << " purges";
    bool purged = false;
    other.Purge([&](bool done) { purged = done; });
    ASSERT_TRUE(Until([&] { return purged; }));
    EXPECT_EQ(total(), 0);
  }
}

}  // namespace
}  // namespace tollgate::ledger

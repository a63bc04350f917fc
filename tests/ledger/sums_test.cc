// The totals on the books: what a summary reads after records and purges.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

using SumsTest = PlaceTest;

TEST_P(SumsTest, APurgeEmptiesTheBooksAndALateRecordIsNotCounted) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1), Request(2, 2)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  const auto books = NewBooks();
  EXPECT_EQ(Total(*books), 1);
  ASSERT_TRUE(Purge(*books));
  EXPECT_EQ(Total(*books), 0);
  ASSERT_TRUE(Until([&] { return hands_->IsSwept(); })) << "not cleared away";
  // Claimed before the purge: accepted, and not counted.
  EXPECT_EQ(
      Record(owner_, {{.claim = Request(2, 2), .epoch_known = true, .epoch = 0}}).at(0).verdict,
      RecordVerdict::kDone);
  EXPECT_EQ(Total(*books), 0);
  EXPECT_EQ(Claim(owner_, {Request(2, 9)}).at(0).verdict, ClaimVerdict::kBooked);
}

// The last payments are only listed and go into the tree together: before, between and after that.
TEST_P(SumsTest, ASummaryIsExactWhicheverPartOfItIsInTheTree) {
  Connect();
  const auto books = NewBooks();
  const auto total = [&](const payments::SummaryRange& range) {
    payments::Summary summary;
    books->GetSummary(range, [&](const auto& answer) { summary = *answer; });
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
    ASSERT_EQ(Record(owner_, records).size(), records.size()) << Told();
    const int64_t last_ms = count_at.rbegin()->first;
    for (int64_t ms = last_ms - 70; ms <= last_ms + 2; ms += 9) {
      check(ms, ms + 9);
      check(kStartMs, ms);
      check(ms, last_ms);
    }
    ASSERT_EQ(Record(owner_, records).size(), records.size())
        << Told();  // recorded twice, counted once
    check(0, 2 * kStartMs);
  }
}

// The keys of sums have the epoch in their names, which is not known before the first query.
TEST_P(SumsTest, ASummaryKnowsOfAPurgeThatAnotherInstanceMade) {
  Connect();
  const auto books = NewBooks();
  const auto other = NewBooks();
  for (uint64_t i = 1; i <= 3; ++i) {
    const ClaimRequest request = Request(i, static_cast<uint32_t>(i));
    ASSERT_EQ(Claim(owner_, {request}).at(0).verdict, ClaimVerdict::kYours);
    ASSERT_EQ(
        Record(owner_,
               {{.claim = request, .epoch_known = true, .epoch = static_cast<uint32_t>(i - 1)}})
            .at(0)
            .verdict,
        RecordVerdict::kDone);
    EXPECT_EQ(Total(*books), 1) << "after " << i - 1 << " purges";
    ASSERT_TRUE(Purge(*other));
    EXPECT_EQ(Total(*books), 0);
  }
}

TOLLGATE_IN_EACH_PLACE(SumsTest);

}  // namespace
}  // namespace tollgate::ledger

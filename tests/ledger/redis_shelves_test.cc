// The shelves in Redis: buckets, and clearing away what is forgotten.
#include <gtest/gtest.h>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

TEST_F(RedisLedgerTest, TheLeasesHolderClearsAwayWhatIsForgottenAndNothingElse) {
  Connect();
  for (uint64_t number = 1; number <= 3; ++number) {
    if (number > 1) MakeShelfOlder(86'400);
    ASSERT_EQ(Record(owner_, {{.claim = Request(number, static_cast<uint32_t>(number))}}).size(),
              1U);
  }
  ASSERT_EQ(ShelfNumber(), "3");
  RedisLeaseStore lease(loop_, Options());
  lease.Start();
  EXPECT_TRUE(Until([&] {
    lease.Acquire("token", 5'000, {}, [](const auto&) {});
    loop_.RunOnce(10);
    return KeysLike("tollgate:k:0:1:*") == 0;
  })) << "the window has passed";
  // The answer to the last renewal comes before the lease ends.
  EXPECT_GT(KeysLike("tollgate:k:0:2:*"), 0);
  EXPECT_GT(KeysLike("tollgate:k:0:3:*"), 0);
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

}  // namespace
}  // namespace tollgate::ledger

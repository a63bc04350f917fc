// Every claim on the books, page by page, as reconcile reads them; and those of silent owners.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

class ClaimReaderTest : public PlaceTest {
 protected:
  void SetUp() override {
    Connect();
    reader_ = place_->MakeClaimReader(loop_, directory_);
    reader_->Start();
    books_ = NewBooks();
    ASSERT_TRUE(Until([&] { return reader_->ready(); }));
  }
  static ClaimRequest Request(const payments::Uuid& id, int64_t cents) {
    return {.payment = {.id = id, .amount_cents = cents},
            .slot = 1,
            .generation = 1,
            .attempt = 3,
            .processor = 1,
            .requested_at_ms = 1'752'583'000'000 + cents};
  }
  void Claim(const std::vector<ClaimRequest>& requests) {
    for (size_t i = 0; i < requests.size(); i += payments::kLedgerBatchMax) {
      const size_t end = std::min(i + payments::kLedgerBatchMax, requests.size());
      const std::vector<ClaimRequest> part(requests.data() + i, requests.data() + end);
      ASSERT_EQ(PlaceTest::Claim(owner_, part).size(), part.size());
    }
  }
  void Record(const std::vector<RecordRequest>& requests) {
    for (size_t i = 0; i < requests.size(); i += payments::kLedgerBatchMax) {
      const size_t end = std::min(i + payments::kLedgerBatchMax, requests.size());
      const std::vector<RecordRequest> part(requests.data() + i, requests.data() + end);
      ASSERT_EQ(PlaceTest::Record(owner_, part).size(), part.size());
    }
  }
  ClaimPage Read(const ClaimCursor& cursor) {
    std::optional<ClaimPage> page;
    bool answered = false;
    reader_->Read(cursor, [&](auto answer) {
      page = std::move(answer);
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    EXPECT_TRUE(page.has_value()) << Told();
    return page.value_or(ClaimPage{});
  }
  // Reads all pages; returns the last entry of each claim.
  std::map<payments::Uuid, BookEntry> ReadAll() {
    std::map<payments::Uuid, BookEntry> all;
    std::optional<ClaimCursor> cursor = ClaimCursor{};
    double share = 0;
    pages_ = largest_ = damaged_ = 0;
    while (cursor) {
      const ClaimPage page = Read(*cursor);
      ++pages_;
      largest_ = std::max(largest_, page.claims.size());
      damaged_ += page.damaged;
      EXPECT_GE(page.share, share);
      share = page.share;
      for (const auto& claim : page.claims) all[claim.id] = claim.entry;
      cursor = page.next;
    }
    EXPECT_EQ(share, 1);
    return all;
  }

  std::unique_ptr<ClaimReader> reader_;
  std::unique_ptr<Books> books_;
  size_t pages_ = 0, largest_ = 0, damaged_ = 0;
};

payments::Uuid Scattered(uint64_t number) { return {number * 0x9E3779B97F4A7C15U, number}; }

TEST_P(ClaimReaderTest, TellsEveryClaimAsALookUpDoes) {
  std::vector<ClaimRequest> claims;
  std::vector<RecordRequest> records;
  for (uint64_t i = 1; i <= 900; ++i) {
    claims.push_back(Request(Scattered(i), static_cast<int64_t>(i)));
    if (i % 3 == 0) continue;
    records.push_back(
        {.claim = claims.back(), .booked = i % 3 == 1, .reason = payments::RejectReason::kRefused});
  }
  Claim(claims);
  Record(records);
  const auto all = ReadAll();
  EXPECT_EQ(all.size(), 900U);
  EXPECT_EQ(damaged_, 0U);
  for (uint64_t i = 1; i <= 900; ++i) {
    const auto found = Find(*books_, Scattered(i));
    ASSERT_TRUE(found && all.contains(Scattered(i))) << i;
    EXPECT_EQ(*found, all.at(Scattered(i))) << i;
    EXPECT_EQ(found->state, i % 3 == 0   ? EntryState::kPending
                            : i % 3 == 1 ? EntryState::kBooked
                                         : EntryState::kRejected);
    EXPECT_EQ(found->amount_cents, static_cast<int64_t>(i));
    EXPECT_EQ(found->processor, 1);
    EXPECT_EQ(found->counted, i % 3 == 1);
  }
}

TEST_P(ClaimReaderTest, APurgeShowsInTheEpochAndInWhatIsKnown) {
  Record({{.claim = Request(Scattered(1), 7)}});
  Claim({Request(Scattered(2), 8)});
  const ClaimPage before = Read({});
  EXPECT_LE(before.known_from_ms, before.now_ms - 86'400'000);
  ASSERT_TRUE(Purge(*books_));
  const ClaimPage after = Read({});
  EXPECT_EQ(after.epoch, before.epoch + 1);
  EXPECT_GE(after.known_from_ms, before.now_ms);
  EXPECT_LE(after.known_from_ms, after.now_ms);
  const auto all = ReadAll();
  ASSERT_EQ(all.size(), 1U) << "what is pending survives";
  EXPECT_EQ(all.begin()->second.epoch, before.epoch);
  // Booked now, claimed before the purge.
  Record({{.claim = Request(Scattered(2), 8), .epoch_known = true, .epoch = before.epoch}});
  EXPECT_FALSE(ReadAll().begin()->second.counted);
}

// Records without a table (kNobody), and the owner's own records after them.
TEST_P(ClaimReaderTest, ARecordOfNobodySettlesAClaimOnceWhoeverRecordsItAgain) {
  Claim({Request(Scattered(1), 7)});
  const auto total = [&] {
    int64_t count = -1;
    books_->GetSummary({}, [&](const auto& summary) { count = summary->at(1).count; });
    EXPECT_TRUE(Until([&] { return count >= 0; }));
    return count;
  };
  for (const Owner& owner : {kNobody, owner_, kNobody, owner_}) {
    ClaimRequest request = Request(Scattered(1), 7);
    if (owner.table == kNobody.table) request.slot = request.generation = 0;
    ASSERT_EQ(PlaceTest::Record(owner, {{.claim = request}}).size(), 1U);
    EXPECT_EQ(total(), 1);
    EXPECT_EQ(Find(*books_, Scattered(1))->state, EntryState::kBooked);
  }
}

// A page is read in one step, during which a writer may wait.
TEST_P(ClaimReaderTest, ManyClaimsAreReadInSmallPages) {
  constexpr uint64_t kCount = 20'000;
  std::vector<RecordRequest> records;
  for (uint64_t i = 1; i <= kCount; ++i) records.push_back({.claim = Request(Scattered(i), 5)});
  Record(records);
  EXPECT_EQ(ReadAll().size(), kCount);
  EXPECT_LE(largest_, 512U);
}

TEST_P(ClaimReaderTest, ClaimsOfSilentOwnersAreCounted) {
  Claim({Request(Scattered(1), 7), Request(Scattered(2), 7)});
  simulation::PlainMemory memory;
  const Owner greets{.table = {8, 8}, .incarnation = 1, .nonce = 1};
  const auto other = NewLedger(directory_, &memory, greets);
  ASSERT_TRUE(Until([&] { return other->can_claim(); }));
  other->Claim(greets, std::vector{Request(Scattered(3), 7)}, ++batch_);
  ASSERT_TRUE(BatchEnds());
  const auto silent = place_->MakeSilentClaims(loop_);
  silent->Start();
  ASSERT_TRUE(Until([&] { return silent->ready(); }));
  std::vector<SilentOwner> owners;
  const auto count = [&] {
    std::optional<std::optional<std::vector<SilentOwner>>> answer;
    silent->Count(3'600, [&](auto counted) { answer = std::move(counted); });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    EXPECT_TRUE(answer.has_value() && answer->has_value());
    owners = answer.value_or(std::nullopt).value_or(std::vector<SilentOwner>());
  };
  count();
  ASSERT_EQ(owners.size(), 1U) << "one that greets is not silent";
  EXPECT_EQ(owners[0].table, owner_.table);
  EXPECT_EQ(owners[0].claims, 2U);
  EXPECT_EQ(owners[0].silent_s, -1) << "it never greeted";
  bool said = false;
  other->SayGone([&] { said = true; });
  ASSERT_TRUE(Until([&] { return said; }));
  count();
  ASSERT_EQ(owners.size(), 2U);
  EXPECT_TRUE(owners[1].gone);
}

TOLLGATE_IN_EACH_PLACE(ClaimReaderTest);

}  // namespace
}  // namespace tollgate::ledger

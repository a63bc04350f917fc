#include "forward/ledger_batches.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

class LedgerBatchesTest : public ::testing::Test {
 protected:
  // Begins a batch of one entry.
  BatchId Send(BatchKind kind, uint32_t entry) {
    LedgerBatches::Batch* const batch = batches_.Open(kind);
    EXPECT_NE(batch, nullptr);
    batch->Add(EntryIndex{entry});
    return BatchId::Unpack(batches_.Begin(*batch, 0));
  }

  metrics::ForwardMetrics metrics_;
  LedgerBatches batches_{metrics_};
};

TEST_F(LedgerBatchesTest, AnAnswerFindsTheEntriesOfItsCall) {
  const BatchId first = Send(BatchKind::kClaim, 1);
  const BatchId second = Send(BatchKind::kRecord, 2);
  const BatchId third = Send(BatchKind::kTakeOver, 3);
  EXPECT_EQ(batches_.OnAnswered(second, 1, 0).entries()[0], EntryIndex{2});
  EXPECT_EQ(batches_.OnAnswered(third, 1, 0).entries()[0], EntryIndex{3});
  EXPECT_EQ(batches_.OnFailed(first).entries()[0], EntryIndex{1});
}

TEST_F(LedgerBatchesTest, ClaimsAndTakeOversShareTheirRoomAndRecordsHaveTheirOwn) {
  const BatchId claim = Send(BatchKind::kClaim, 1);
  Send(BatchKind::kTakeOver, 2);
  EXPECT_FALSE(batches_.ClaimCanLeave());
  EXPECT_EQ(batches_.Open(BatchKind::kClaim), nullptr);
  EXPECT_EQ(batches_.Open(BatchKind::kTakeOver), nullptr);
  EXPECT_NE(batches_.Open(BatchKind::kRecord), nullptr);
  batches_.OnAnswered(claim, 1, 0);
  EXPECT_TRUE(batches_.ClaimCanLeave());
  EXPECT_NE(batches_.Open(BatchKind::kClaim), nullptr);
}

TEST_F(LedgerBatchesTest, AnOpenedBatchIsEmptyAndTakesAsManyAsACallMayHave) {
  batches_.OnAnswered(Send(BatchKind::kClaim, 1), 1, 0);
  LedgerBatches::Batch* const batch = batches_.Open(BatchKind::kClaim);
  ASSERT_NE(batch, nullptr);
  EXPECT_TRUE(batch->entries().empty());
  for (uint32_t i = 0; i < payments::kLedgerBatchMax; ++i) {
    EXPECT_FALSE(batch->full());
    batch->Add(EntryIndex{i});
  }
  EXPECT_TRUE(batch->full());
}

TEST_F(LedgerBatchesTest, NoTwoCallsHaveTheSameId) {
  const BatchId first = Send(BatchKind::kClaim, 1);
  batches_.OnAnswered(first, 1, 0);
  EXPECT_NE(Send(BatchKind::kClaim, 1), first);
  EXPECT_DEATH(batches_.OnAnswered(first, 1, 0), "assertion failed");
}

TEST(BatchIdTest, IsTheSameOnceUnpacked) {
  const BatchId id{.kind = BatchKind::kReplay, .slot = 3, .serial = 0xFFFFFFFF};
  EXPECT_EQ(BatchId::Unpack(id.Packed()), id);
}

}  // namespace
}  // namespace tollgate::forward

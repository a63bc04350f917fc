#include "ledger/packed_batch.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

RecordRequest Booked(int64_t at_ms, int64_t cents, payments::ProcessorId processor = 0) {
  return {.claim = {.payment = {.id = {1, static_cast<uint64_t>(cents)}, .amount_cents = cents},
                    .processor = processor,
                    .requested_at_ms = at_ms}};
}

// Each sum as text: kind, processor, time, how many, cents.
std::vector<std::string> SumsOf(const std::vector<RecordRequest>& records) {
  PackedBatch batch;
  for (const RecordRequest& record : records) PackRecord(batch, record);
  PackSums(batch);
  std::vector<std::string> sums;
  for (Unpacker in(batch.sums); !in.empty();) {
    std::string text = std::to_string(in.Take<1>());
    text += ' ' + std::to_string(in.Take<1>());
    text += ' ' + std::to_string(in.Take<6>());
    text += ' ' + std::to_string(in.Take<2>());
    text += ' ' + std::to_string(in.Take<7>());
    sums.push_back(text);
  }
  return sums;
}

TEST(PackedBatch, SumsUpRowsOfTheSameKindProcessorAndTime) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(SumsOf({}), Texts{});
  EXPECT_EQ(SumsOf({Booked(7, 10), Booked(7, 20)}), Texts{"0 0 7 2 30"});
  EXPECT_EQ(SumsOf({Booked(7, 10), Booked(7, 20, 1), Booked(8, 1), Booked(7, 2)}),
            (Texts{"0 0 7 1 10", "0 1 7 1 20", "0 0 8 1 1", "0 0 7 1 2"}));
  RecordRequest rejected = Booked(7, 10);
  rejected.booked = false;
  rejected.reason = payments::RejectReason::kRefused;
  EXPECT_EQ(SumsOf({Booked(7, 5), rejected}), (Texts{"0 0 7 1 5", "4 0 7 1 10"}));
}

TEST(PackedBatch, ASumOfTheLargestAmountsIsExact) {
  const std::vector<RecordRequest> most(payments::kLedgerBatchMax,
                                        Booked(7, payments::kAmountCentsMax));
  const uint64_t cents = payments::kLedgerBatchMax * uint64_t{payments::kAmountCentsMax};
  EXPECT_EQ(SumsOf(most),
            std::vector<std::string>{"0 0 7 " + std::to_string(payments::kLedgerBatchMax) + " " +
                                     std::to_string(cents)});
}

TEST(PackedBatch, SeesAnIdThatComesTwice) {
  base::Random random(1);
  std::string ids;
  for (size_t i = 0; i < payments::kLedgerBatchMax; ++i) {
    EXPECT_TRUE(AreDistinct(ids));
    if (i > 0) {
      const size_t other = random.Below(i);
      EXPECT_FALSE(AreDistinct(ids + ids.substr(other * kIdBytes, kIdBytes))) << other;
    }
    // Many have the same hash, some up to the end of the table.
    Pack<2>(ids, random.OneIn(3) ? random.Below(1 << 16) : 1023);
    Pack<6>(ids, random.Below(1 << 30));
    Pack<8>(ids, i);
  }
  EXPECT_TRUE(AreDistinct(ids));
}

}  // namespace
}  // namespace tollgate::ledger

#include "tollgate/table/slot.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "table/table_file.h"
#include "tests/table/table_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::table {
namespace {

using SlotTest = TableFixture;

// A file whose slots hold these words, each with a payment whose checksum is right.
void WriteWords(const std::string& path, const std::vector<uint64_t>& words) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(kSlotsOffset);
  for (uint64_t i = 0; i < words.size(); ++i) {
    Slot slot{};
    slot.payment = {.id = {i + 1, 7}, .amount_cents = 100};
    slot.accepted_at_ms = 1'752'583'000'000;
    slot.checksum = PaymentChecksum(slot);
    slot.status.store(words[i]);
    file.write(reinterpret_cast<const char*>(&slot), sizeof(slot));
  }
}

TEST(SlotStatusTest, ATimeThatDoesNotFitBecomesTheNearestAndTakesNoBitOfItsNeighbours) {
  const struct {
    int64_t asked, kept;
  } cases[] = {{INT64_MIN, payments::kRequestedAtMsMin},
               {-1, payments::kRequestedAtMsMin},
               {payments::kRequestedAtMsMin - 1, payments::kRequestedAtMsMin},
               {payments::kRequestedAtMsMin, payments::kRequestedAtMsMin},
               {1'752'583'000'000, 1'752'583'000'000},
               {payments::kRequestedAtMsMax, payments::kRequestedAtMsMax},
               {payments::kRequestedAtMsMax + 1, payments::kRequestedAtMsMax},
               {INT64_MAX, payments::kRequestedAtMsMax},
               {0, 0}};
  for (const auto& [asked, kept] : cases) {
    SlotStatus status{.state = SlotState::kBooked,
                      .pinned = false,
                      .reason = payments::RejectReason::kNone,
                      .processor = 0,
                      .attempt = 0,
                      .requested_at_ms = asked};
    const SlotStatus read = UnpackStatus(PackStatus(status));
    status.requested_at_ms = kept;
    EXPECT_EQ(read, status) << asked;
  }
}

TEST_F(SlotTest, AWordThatCannotGoOnIsSetAside) {
  constexpr int64_t kAt = 1'752'583'000'000;
  const SlotStatus impossible[] = {
      {.state = SlotState::kAccepted, .attempt = payments::kAttemptMax},  // no number is left
      {.state = SlotState::kClaimed, .attempt = 1, .requested_at_ms = kAt},
      {.state = SlotState::kClaimed, .processor = 2, .attempt = 1, .requested_at_ms = kAt},
      {.state = SlotState::kClaimed, .processor = 0, .attempt = 0, .requested_at_ms = kAt},
      {.state = SlotState::kSent, .processor = 0, .attempt = 1},
      {.state = SlotState::kUnresolved, .processor = 30, .attempt = 1, .requested_at_ms = kAt},
      {.state = SlotState::kBooked, .processor = 1, .attempt = 1}};
  Open(8);
  std::vector<uint64_t> words;
  for (const SlotStatus& status : impossible) words.push_back(PackStatus(status));
  WriteWords(path_, words);
  const auto table = Open(8);
  EXPECT_EQ(table->recovery().damaged, std::size(impossible));
  EXPECT_EQ(table->recovery().unfinished, 0U);
}

// For any file, a payment that is continued can be continued, at a processor with a name.
TEST_F(SlotTest, AnyWordIsEitherSetAsideOrOneToGoOnFrom) {
  base::Random random(20261127);
  constexpr size_t kSlots = 4096;
  Open(kSlots);
  std::vector<uint64_t> words(kSlots);
  for (uint64_t& word : words) {
    word = random.Next();
    if (random.OneIn(2)) word &= ~(uint64_t{30} << 53U);  // more often a known processor
  }
  WriteWords(path_, words);
  const auto table = Open(kSlots);
  EXPECT_GT(table->recovery().damaged, kSlots / 8);
  EXPECT_GT(table->recovery().unfinished, kSlots / 8);
  for (const SlotIndex slot : table->recovery().to_continue) {
    SlotStatus status = table->Status(slot);
    if (status.state == SlotState::kAccepted) ++status.attempt;
    if (status.state != SlotState::kAccepted && status.state != SlotState::kRejected) {
      EXPECT_LT(status.processor, directory_.size());
      EXPECT_GT(status.attempt, 0);
      EXPECT_TRUE(payments::IsRequestedAt(status.requested_at_ms));
    }
    table->SetStatus(slot, status);
    EXPECT_EQ(table->Status(slot), status);
  }
}

}  // namespace
}  // namespace tollgate::table

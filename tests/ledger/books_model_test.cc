// The simulation uses a model of the books. This test compares the model with the books in each
// place.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/forward/ledger_model.h"
#include "tests/ledger/place_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

constexpr int64_t kBeginMs = 1'752'583'000'000;
constexpr int64_t kLaterMs =
    2'800'000'000'000;  // later than any shelf begins; the other time is earlier
constexpr int64_t kRangeMs = 10'000;

bool operator==(const ClaimReply& a, const ClaimReply& b) {
  return a.verdict == b.verdict && a.attempt == b.attempt && a.processor == b.processor &&
         a.requested_at_ms == b.requested_at_ms && a.epoch == b.epoch && a.existed == b.existed &&
         a.settled == b.settled && a.holder.table == b.holder.table &&
         a.holder.number == b.holder.number && a.holder.sign == b.holder.sign;
}

class BooksModelTest : public PlaceTest {
 protected:
  // A batch to send: claims and records of the same payments; one of them is sent.
  struct Batch {
    Owner asking;
    bool record = false;
    bool takes_over = false;
    std::vector<ClaimRequest> claims;
    std::vector<RecordRequest> records;
  };

  void ExpectAnswersOfTheModel() {
    Connect();
    for (int round = 0; round < 1500; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      if (random_.OneIn(120) && model_.state().shelf.number != 0) {
        model_.EndShelf();
        hands_->MakeShelfOlder(86'400);
      }
      if (random_.OneIn(20)) MoveNumber();
      const Batch batch = Draw();
      if (batch.takes_over) {
        ASSERT_NO_FATAL_FAILURE(ExpectTakenOver(batch));
      } else {
        ASSERT_NO_FATAL_FAILURE(batch.record ? ExpectRecorded(batch) : ExpectClaimed(batch));
      }
    }
    EXPECT_GT(model_.state().shelf.number, 5);
    EXPECT_EQ(hands_->ShelfNumber(), model_.state().shelf.number);
    EXPECT_GT(taken_over_, 20);
    ExpectSums();
  }

 private:
  Batch Draw() {
    Batch batch;
    Owner& owner = owners_[random_.Below(owners_.size())];
    if (random_.OneIn(100)) ++owner.incarnation;
    batch.asking = owner;
    if (random_.OneIn(30) && batch.asking.incarnation > 1) --batch.asking.incarnation;
    if (random_.OneIn(60)) ++batch.asking.nonce;
    batch.record = random_.OneIn(3);
    batch.takes_over = !batch.record && random_.OneIn(4);
    // What reconcile records; it never claims and never rejects.
    const bool nobody = batch.record && random_.OneIn(3);
    if (nobody) batch.asking = kNobody;
    for (uint64_t i = 0, n = 1 + random_.Below(8); i < n; ++i) {
      batch.claims.push_back(DrawClaim());
      batch.records.push_back({.claim = batch.claims.back(),
                               .booked = nobody || !random_.OneIn(6),
                               .reason = payments::RejectReason::kConflict,
                               .epoch_known = true,
                               .epoch = 0});
    }
    return batch;
  }

  // One of few payments, so that they collide.
  ClaimRequest DrawClaim() {
    const uint64_t number = 1 + random_.Below(200);
    return {
        .payment = {.id = {number << 40U, number}, .amount_cents = random_.OneIn(10) ? 5 : 1990},
        .slot = static_cast<uint32_t>(random_.Below(3)),
        .generation = static_cast<uint32_t>(number),
        .attempt = static_cast<uint16_t>(1 + random_.Below(4)),
        .processor = static_cast<payments::ProcessorId>(random_.Below(2)),
        .requested_at_ms = (random_.OneIn(3) ? kBeginMs : kLaterMs) +
                           static_cast<int64_t>(random_.Below(kRangeMs))};
  }

  void ExpectRecorded(const Batch& batch) {
    const auto expected = model_.Record(batch.asking, batch.records);
    const auto got = Record(batch.asking, batch.records);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].verdict, expected[i].verdict);
      ASSERT_EQ(got[i].other, expected[i].other);
    }
  }

  // As an owner's greetings do, or its end.
  void MoveNumber() {
    const Owner& owner = owners_[random_.Below(owners_.size())];
    const bool gone = random_.OneIn(4);
    const uint64_t number = ++number_ << (random_.OneIn(2) ? 40U : 0U);
    model_.SetNumber(owner.table, number, gone);
    hands_->SetNumber(owner.table,
                      gone ? -static_cast<int64_t>(number) : static_cast<int64_t>(number));
  }

  // Take-overs of the claims as they are, or with one field changed.
  void ExpectTakenOver(const Batch& batch) {
    std::vector<TakeOverRequest> requests;
    for (const ClaimRequest& claim : batch.claims) {
      requests.push_back({.claim = claim, .holder = {.table = {2, 1}}, .attempt = 1});
      const auto pending = model_.state().pending.find(claim.payment.id);
      if (pending == model_.state().pending.end()) continue;
      TakeOverRequest& request = requests.back();
      request.holder.table = pending->second.owner.table;
      request.attempt = pending->second.attempt;
      const auto number = model_.state().numbers.find(request.holder.table);
      if (number != model_.state().numbers.end()) request.holder.number = number->second;
      switch (random_.Below(8)) {
        case 0:
          ++request.holder.number;
          break;
        case 1:
          ++request.attempt;
          break;
        case 2:
          ++request.holder.table.low;
          break;
        default:
          break;
      }
    }
    const auto expected = model_.TakeOver(batch.asking, requests);
    ExpectSame(expected, TakeOver(batch.asking, requests));
    for (const ClaimReply& reply : expected) taken_over_ += reply.existed ? 1 : 0;
  }

  void ExpectClaimed(const Batch& batch) {
    const auto expected = model_.Claim(batch.asking, batch.claims);
    ExpectSame(expected, Claim(batch.asking, batch.claims));
  }

  static void ExpectSame(const std::vector<ClaimReply>& expected,
                         const std::vector<ClaimReply>& got) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_TRUE(got[i] == expected[i]) << "verdict " << static_cast<int>(got[i].verdict)
                                         << " for " << static_cast<int>(expected[i].verdict);
    }
  }

  // The sums are those of the model's entries, over any range.
  void ExpectSums() {
    const auto books = NewBooks();
    for (int i = 0; i < 60; ++i) {
      payments::SummaryRange range;
      if (i > 0) {
        range.from_ms =
            (i % 2 == 0 ? kBeginMs : kLaterMs) + static_cast<int64_t>(random_.Below(kRangeMs));
        range.to_ms = range.from_ms + static_cast<int64_t>(random_.Below(kRangeMs * 6 / 10));
      }
      std::optional<payments::Summary> summary;
      bool answered = false;
      books->GetSummary(range, [&](auto answer) {
        summary = std::move(answer);
        answered = true;
      });
      ASSERT_TRUE(Until([&] { return answered; }));
      ASSERT_TRUE(summary.has_value());
      auto expected = SumsOfTheModel(range);
      for (size_t id = 0; id < 2; ++id) {
        EXPECT_EQ((*summary)[id].count, expected[id].first);
        EXPECT_EQ((*summary)[id].amount_cents, expected[id].second);
      }
    }
  }

  // Count and cents per processor.
  std::map<size_t, std::pair<int64_t, int64_t>> SumsOfTheModel(
      const payments::SummaryRange& range) {
    std::map<size_t, std::pair<int64_t, int64_t>> sums;
    const auto add = [&](const simulation::LedgerModel::Entry& entry) {
      if (entry.rejected || !entry.counted || entry.requested_at_ms < range.from_ms ||
          entry.requested_at_ms > range.to_ms) {
        return;
      }
      ++sums[entry.processor].first;
      sums[entry.processor].second += entry.cents;
    };
    for (const auto& [id, entry] : model_.state().entries) add(entry);
    for (const auto& entry : model_.state().forgotten) add(entry);
    return sums;
  }

  simulation::LedgerModel model_{clock_};
  int taken_over_ = 0;
  uint64_t number_ = 0;
  base::Random random_{20261124};
  std::vector<Owner> owners_{{.table = {1, 1}, .incarnation = 1, .nonce = 10},
                             {.table = {2, 1}, .incarnation = 1, .nonce = 20}};
};

TEST_P(BooksModelTest, AnswerAsTheModelDoes) { ExpectAnswersOfTheModel(); }

// An instance with its processors in another order has numbered them on the books.
TEST_P(BooksModelTest, AnswerAsTheModelUnderOtherNumbersOfTheProcessors) {
  Use({});
  payments::ProcessorDirectory others{{"third", "fallback", "default"}};
  const auto first = NewLedger(others);
  first->Claim({.table = {9, 9}, .incarnation = 1, .nonce = 1}, std::vector{Request(0xFFFF)},
               ++batch_);
  ASSERT_TRUE(BatchEnds());
  ASSERT_FALSE(failed_);
  ExpectAnswersOfTheModel();
}

TOLLGATE_IN_EACH_PLACE(BooksModelTest);

}  // namespace
}  // namespace tollgate::ledger

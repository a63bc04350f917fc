// PlaceTest: books in Redis or in a file, the same tests for both. Calls wait for their replies.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/ledger/place_hands.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger {

class PlaceTest : public ::testing::TestWithParam<Where>, public LedgerEvents {
 protected:
  void OnClaimed(uint64_t batch, std::span<const ClaimReply> replies) override {
    claimed_.assign(replies.begin(), replies.end());
    done_ = batch;
  }
  void OnRecorded(uint64_t batch, std::span<const RecordReply> replies) override {
    recorded_.assign(replies.begin(), replies.end());
    done_ = batch;
  }
  void OnBatchFailed(uint64_t batch) override {
    failed_ = true;
    done_ = batch;
  }
  void OnTailLost() override { tail_lost_ = true; }
  void OnLedgerState() override {}

  // Another way to the same books, as another process has it.
  std::unique_ptr<BooksPlace> NewPlace(const PlaceOptions& options = {}) {
    return hands_->Place(options, [this](bool, std::string_view text) {
      const std::lock_guard lock(told_mutex_);
      told_ += std::string(text) + "\n";
    });
  }
  std::string Told() {
    const std::lock_guard lock(told_mutex_);
    return told_;
  }
  void Use(const PlaceOptions& options) {
    ledger_.reset();
    place_ = NewPlace(options);
  }
  // A ledger on the books, that is ready.
  std::unique_ptr<TableLedger> NewLedger(payments::ProcessorDirectory& directory,
                                         BooksMemory* memory = nullptr, const Owner& owner = {}) {
    auto ledger = place_->MakeLedger(loop_, directory, "", memory);
    ledger->SetEvents(this);
    ledger->SetOwner(owner);
    ledger->Start();
    EXPECT_TRUE(Until([&] { return ledger->ready(); })) << Told();
    return ledger;
  }
  void Connect(const PlaceOptions& options = {}) {
    Use(options);
    ledger_ = NewLedger(directory_);
  }
  std::unique_ptr<Books> NewBooks(const BooksMemory* memory = nullptr) {
    auto books = place_->MakeBooks(loop_, directory_, memory, {.timeout_ms = 20'000});
    books->Start();
    EXPECT_TRUE(Until([&] { return books->ready(); }));
    return books;
  }
  // Runs the loop until `done`, for at most `ms`.
  bool Until(const std::function<bool()>& done, int64_t ms = 20'000) {
    const int64_t end = clock_.MonotonicNanos() + ms * base::kNanosPerMilli;
    while (!done()) {
      if (clock_.MonotonicNanos() > end) return false;
      loop_.RunOnce(10);
    }
    return true;
  }
  bool BatchEnds() {
    return Until([&] { return done_ == batch_; });
  }
  std::vector<ClaimReply> Claim(const Owner& owner, const std::vector<ClaimRequest>& requests) {
    failed_ = false;
    ledger_->Claim(owner, requests, ++batch_);
    EXPECT_TRUE(BatchEnds());
    return failed_ ? std::vector<ClaimReply>{} : claimed_;
  }
  std::vector<ClaimReply> TakeOver(const Owner& owner,
                                   const std::vector<TakeOverRequest>& requests) {
    failed_ = false;
    ledger_->TakeOver(owner, requests, ++batch_);
    EXPECT_TRUE(BatchEnds());
    return failed_ ? std::vector<ClaimReply>{} : claimed_;
  }
  std::vector<RecordReply> Record(const Owner& owner, const std::vector<RecordRequest>& requests) {
    failed_ = false;
    ledger_->Record(owner, requests, ++batch_);
    EXPECT_TRUE(BatchEnds());
    return failed_ ? std::vector<RecordReply>{} : recorded_;
  }
  static ClaimRequest Request(uint64_t id, uint32_t slot = 1, uint16_t attempt = 1) {
    return {.payment = {.id = {id << 48U, id}, .amount_cents = 1990},
            .slot = slot,
            .generation = 1,
            .attempt = attempt,
            .processor = 0,
            .requested_at_ms = 1'752'583'000'000};
  }
  // Of the first processor; -1: no answer.
  int64_t Total(Books& books) {
    std::optional<int64_t> count;
    books.GetSummary({}, [&](const auto& summary) { count = summary ? summary->at(0).count : -1; });
    EXPECT_TRUE(Until([&] { return count.has_value(); }));
    return count.value_or(-1);
  }
  std::optional<BookEntry> Find(Books& books, const payments::Uuid& id) {
    std::optional<std::optional<BookEntry>> entry;
    bool answered = false;
    books.Find(id, [&](auto answer) {
      entry = answer;
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    EXPECT_TRUE(entry.has_value()) << "away: " << Told();
    return entry.value_or(std::nullopt);
  }
  bool Purge(Books& books) {
    std::optional<bool> purged;
    books.Purge([&](bool done) { purged = done; });
    EXPECT_TRUE(Until([&] { return purged.has_value(); }));
    return purged.value_or(false);
  }

  testing::TemporaryFolder folder_;
  const std::unique_ptr<PlaceHands> hands_ = PlaceHands::Make(GetParam(), folder_);
  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  std::mutex told_mutex_;
  std::string told_;  // guarded by told_mutex_
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<BooksPlace> place_;
  std::unique_ptr<TableLedger> ledger_;
  std::vector<ClaimReply> claimed_;
  std::vector<RecordReply> recorded_;
  uint64_t batch_ = 0, done_ = 0;
  bool failed_ = false, tail_lost_ = false;
  const Owner owner_{.table = {1, 2}, .incarnation = 5, .nonce = 77};
};

#define TOLLGATE_IN_EACH_PLACE(suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(Books, suite, ::testing::Values(Where::kRedis, Where::kFile), \
                           [](const auto& instance) { return NameOf(instance.param); })

}  // namespace tollgate::ledger

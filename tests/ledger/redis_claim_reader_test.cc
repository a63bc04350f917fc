#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "ledger/spread_id.h"
#include "tests/ledger/redis_fixture.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {
namespace {

using testing::RedisFixture;

class RedisClaimReaderTest : public RedisFixture, public LedgerEvents {
 protected:
  void OnClaimed(uint64_t, std::span<const ClaimReply>) override { ++answered_; }
  void OnRecorded(uint64_t, std::span<const RecordReply>) override { ++answered_; }
  void OnBatchFailed(uint64_t) override { ADD_FAILURE() << told_; }
  void OnTailLost() override {}
  void OnLedgerState() override {}

  void SetUp() override {
    StartRedis();
    ledger_ = std::make_unique<RedisLedger>(loop_, Options(), directory_, "");
    ledger_->SetEvents(this);
    ledger_->Start();
    reader_ = std::make_unique<RedisClaimReader>(loop_, Options(), directory_);
    reader_->Start();
    books_ = std::make_unique<RedisBooks>(loop_, Options(), directory_);
    books_->Start();
    ASSERT_TRUE(Until([&] { return ledger_->ready() && reader_->ready() && books_->ready(); }));
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
    InBatches(requests, [&](auto part) { ledger_->Claim(owner_, part, ++batch_); });
  }
  void Record(const std::vector<RecordRequest>& requests) {
    InBatches(requests, [&](auto part) { ledger_->Record(owner_, part, ++batch_); });
  }
  template <typename Request, typename Send>
  void InBatches(const std::vector<Request>& requests, Send send) {
    for (size_t i = 0; i < requests.size(); i += payments::kLedgerBatchMax) {
      const size_t count = std::min(payments::kLedgerBatchMax, requests.size() - i);
      send(std::span<const Request>(requests.data() + i, count));
      ASSERT_TRUE(Until([&] { return answered_ == batch_; }));
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
    EXPECT_TRUE(page.has_value()) << told_;
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
  std::string Cli(std::vector<std::string> words) {
    words.insert(words.begin(), {"redis-cli", "-s", Socket()});
    const std::string log = folder_ / ("cli-" + std::to_string(++calls_) + ".log");
    testing::ChildProcess process(words, log);
    EXPECT_EQ(process.WaitExit(20'000), 0) << process.Log();
    return process.Log();
  }
  double RedisCpuSeconds() {
    const std::string text = Cli({"info", "cpu"});
    double sum = 0;
    for (const std::string name : {"used_cpu_user_main_thread:", "used_cpu_sys_main_thread:"}) {
      const size_t at = text.find(name);
      EXPECT_NE(at, std::string::npos) << text;
      if (at != std::string::npos) sum += std::strtod(text.c_str() + at + name.size(), nullptr);
    }
    return sum;
  }

  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<RedisLedger> ledger_;
  std::unique_ptr<RedisClaimReader> reader_;
  std::unique_ptr<RedisBooks> books_;
  const Owner owner_{.table = {1, 2}, .incarnation = 5, .nonce = 77};
  uint64_t batch_ = 0, answered_ = 0;
  size_t pages_ = 0, largest_ = 0, damaged_ = 0;
  int calls_ = 0;
};

payments::Uuid Scattered(uint64_t number) { return {number * 0x9E3779B97F4A7C15U, number}; }

// Redis runs one script at a time, so every other client waits for a page.
TEST_F(RedisClaimReaderTest, APageIsSmallHoweverMuchLiesInABucket) {
  std::vector<RecordRequest> records;
  for (uint64_t i = 1; i <= 20'000; ++i) {
    // All in one bucket, far more than a page, and more than fit into a small hash.
    records.push_back({.claim = Request(Unspread({uint64_t{0xABCD} << 48U | i, i}), 5)});
  }
  Record(records);
  const auto all = ReadAll();
  EXPECT_EQ(all.size(), 20'000U);
  EXPECT_LE(largest_, 1'024U);
  EXPECT_GE(pages_, 20'000U / 1'024);
}

// TOLLGATE_CLAIMS=1000000 measures what a page costs Redis, with ids spread like real ones.
TEST_F(RedisClaimReaderTest, ManyClaimsAreReadInManyShortPages) {
  const char* const wanted = std::getenv("TOLLGATE_CLAIMS");
  const uint64_t count = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'000;
  std::vector<RecordRequest> records;
  for (uint64_t i = 1; i <= count; ++i) records.push_back({.claim = Request(Scattered(i), 5)});
  Record(records);
  const double before = RedisCpuSeconds();
  EXPECT_EQ(ReadAll().size(), count);
  const double page_us = (RedisCpuSeconds() - before) * 1e6 / static_cast<double>(pages_);
  std::printf("    %zu pages of at most %zu claims, %.0f us of Redis' CPU each\n", pages_, largest_,
              page_us);
  EXPECT_LE(largest_, 512U);
  EXPECT_GE(pages_, std::max<uint64_t>(65'536 / 128, count / 512));
}

TEST_F(RedisClaimReaderTest, OnlyItsOwnKeysAreReadAndWhatIsNoneOfOursIsCounted) {
  Claim({Request(Scattered(1), 7)});
  Cli({"hset", "other:claims", "a", "b"});
  Cli({"hset", "tollgate:claims", "a", "b"});
  EXPECT_EQ(ReadAll().size(), 1U);
  EXPECT_EQ(damaged_, 1U);
}

TEST_F(RedisClaimReaderTest, ARestartShowsInTheRunAndNamesOfOthersAreLearnt) {
  payments::ProcessorDirectory other({"third"});
  RedisClaimReader reader(loop_, Options(), other);
  reader.Start();
  ASSERT_TRUE(Until([&] { return reader.ready(); }));
  Claim({Request({1, 1}, 7)});  // in the first bucket, so on the first page
  std::optional<ClaimPage> page;
  reader.Read({}, [&](auto answer) { page = std::move(answer); });
  ASSERT_TRUE(Until([&] { return page.has_value(); }));
  ASSERT_EQ(page->claims.size(), 1U);
  EXPECT_EQ(other.Name(page->claims[0].entry.processor), "fallback");
  const std::string run = Read({}).run_id;
  EXPECT_FALSE(run.empty());
  redis_.Kill();
  ASSERT_TRUE(Until([&] { return !reader_->ready(); }));
  bool away = false;
  reader_->Read({}, [&](const auto& answer) { away = !answer.has_value(); });
  EXPECT_TRUE(away);
  StartRedis();
  ASSERT_TRUE(Until([&] { return reader_->ready(); }));
  EXPECT_NE(Read({}).run_id, run);
}

}  // namespace
}  // namespace tollgate::ledger

// SumCheckTest: books on a real Redis whose sums the test makes wrong, and what a check of them
// finds. After a mend the summaries of random ranges are compared with the payments on the shelves.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reconcile/sum_check.h"
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/base/random.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::reconcile {

using ledger::RecordRequest;
using ledger::SumFigures;

inline constexpr int64_t kHourMs = 3'600'000;

// Adds to nodes of a processor over one millisecond, which no script of ours does.
// ARGV: index of the processor, ms, count, cents, the levels.
inline constexpr const char* kAddToSums = R"(
  local at = tonumber(ARGV[2])
  for level in string.gmatch(ARGV[5], '%d') do
    level = tonumber(level)
    local node = math.floor(at / 64 ^ level)
    local key, index = 'tollgate:s:0:5', struct.pack('>I2', node)
    if level < 5 then
      local parent = math.floor(node / 64)
      key, index = string.format('tollgate:s:0:%d:%d', level, parent), string.char(node % 64)
    end
    redis.call('HINCRBY', key, 'c' .. string.char(ARGV[1]) .. index, ARGV[3])
    redis.call('HINCRBY', key, 'a' .. string.char(ARGV[1]) .. index, ARGV[4])
  end
  return 1)";

// Takes a counted payment off its shelf: one of the millisecond in ARGV[1], or any if it is '-'.
inline constexpr const char* kLosePayment = R"(
  for _, key in ipairs(redis.call('KEYS', 'tollgate:k:0:*')) do
    local fields = redis.call('HGETALL', key)
    for i = 1, #fields, 2 do
      local kind, _, at = struct.unpack('>I1I1I6', fields[i + 1])
      if kind == 0 and (ARGV[1] == '-' or at == tonumber(ARGV[1])) then
        return redis.call('HDEL', key, fields[i])
      end
    end
  end
  return 0)";

class SumCheckTest : public ledger::RedisLedgerTest {
 protected:
  void SetUp() override {
    StartRedis();
    Connect();
    books_ = std::make_unique<ledger::RedisBooks>(loop_, Options(), directory_);
    claims_ = std::make_unique<ledger::RedisClaimReader>(loop_, Options(), directory_);
    nodes_ = std::make_unique<ledger::RedisSumNodes>(loop_, Options(), directory_);
    books_->Start();
    claims_->Start();
    nodes_->Start();
    ASSERT_TRUE(Until([&] { return books_->ready() && claims_->ready() && nodes_->ready(); }));
    // Some hours ago, and all of the hour in one node of level 4, at any time of day.
    constexpr int64_t kWidthMs = int64_t{1} << 24U;
    start_ms_ = (clock_.WallMillis() - 2 * kHourMs) / kWidthMs * kWidthMs + 12'345;
  }

  // `count` new payments at times from `first_ms` on, within `long_ms`.
  std::vector<RecordRequest> Payments(size_t count, int64_t first_ms, uint64_t long_ms) {
    std::vector<RecordRequest> records;
    for (size_t i = 0; i < count; ++i) {
      ++number_;
      RecordRequest record{.claim = Request(number_, static_cast<uint32_t>(number_))};
      record.claim.payment.id = {number_ * 0x9E3779B97F4A7C15U, number_};
      record.claim.payment.amount_cents = 1 + static_cast<int64_t>(random_.Below(100'000));
      record.claim.requested_at_ms = first_ms + static_cast<int64_t>(random_.Below(long_ms));
      record.claim.processor = static_cast<payments::ProcessorId>(random_.Below(2));
      records.push_back(record);
    }
    return records;
  }
  void Book(const std::vector<RecordRequest>& records) {
    for (size_t i = 0; i < records.size(); i += 200) {
      const auto first = records.begin() + static_cast<std::ptrdiff_t>(i);
      const size_t count = std::min<size_t>(200, records.size() - i);
      ASSERT_EQ(Record(owner_, {first, first + static_cast<std::ptrdiff_t>(count)}).size(), count)
          << told_;
    }
  }
  // An hour of payments, some in the same span and a few in the same millisecond; recorded into the
  // tree.
  void BookAnHour() {
    booked_ = Payments(1200, start_ms_, kHourMs);
    const auto close = Payments(400, start_ms_ + kHourMs / 2, 300);
    booked_.insert(booked_.end(), close.begin(), close.end());
    Book(booked_);
  }
  void AddToSums(const RecordRequest& payment, int64_t times, const std::string& levels) {
    const auto& claim = payment.claim;
    Cli({"eval", kAddToSums, "0", std::to_string(IndexOf(claim.processor)),
         std::to_string(claim.requested_at_ms), std::to_string(times),
         std::to_string(times * claim.payment.amount_cents), levels});
  }
  int IndexOf(payments::ProcessorId id) {
    return std::stoi(Asked({"hget", "tollgate:names", directory_.Name(id)}));
  }
  static std::string KeyOf(int level, int64_t at_ms) {
    if (level == 5) return "tollgate:s:0:5";
    return "tollgate:s:0:" + std::to_string(level) + ":" +
           std::to_string(at_ms >> (6 * (level + 1)));
  }

  // From two days ago to some hours ahead.
  payments::SummaryRange Usual() const {
    return {.from_ms = start_ms_ - 47 * kHourMs, .to_ms = start_ms_ + 2 * kHourMs};
  }
  SumsReport Check(bool repair) {
    return Check(repair, Usual(), [] {});
  }
  SumsReport Check(bool repair, const payments::SummaryRange& range) {
    return Check(repair, range, [] {});
  }
  SumsReport Check(bool repair, const payments::SummaryRange& range,
                   const std::function<void()>& on_turn) {
    SumCheck check({.loop = loop_, .claims = *claims_, .nodes = *nodes_, .on_turn = on_turn},
                   {.range = range, .repair = repair, .pause_ms = 1});
    error_ = check.Run();
    return check.report();
  }
  // Reported, then mended, then right.
  SumsReport ExpectFoundAndMended() { return ExpectFoundAndMended(Usual()); }
  SumsReport ExpectFoundAndMended(const payments::SummaryRange& range) {
    const SumsReport reported = Check(false, range);
    EXPECT_EQ(error_, "");
    EXPECT_FALSE(reported.differences.empty());
    for (const SumDifference& it : reported.differences) EXPECT_FALSE(it.mended);
    const SumsReport again = Check(true, range);
    EXPECT_EQ(error_, "");
    EXPECT_EQ(again.differences.size(), reported.differences.size()) << "mended without --repair";
    for (const SumDifference& it : again.differences) EXPECT_TRUE(it.mended) << it.level;
    EXPECT_TRUE(Check(false, range).differences.empty());
    ExpectSummariesAreThePayments();
    return reported;
  }

  using Totals = std::map<payments::ProcessorId, SumFigures>;
  static void Drop0(Totals& totals) {
    std::erase_if(totals, [](const auto& it) { return it.second == SumFigures{}; });
  }
  Totals Summed(const payments::SummaryRange& range) {
    std::optional<std::optional<payments::Summary>> answer;
    books_->GetSummary(range, [&](auto summary) { answer = std::move(summary); });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    EXPECT_TRUE(answer && *answer) << told_;
    Totals totals;
    for (const auto& it : answer.value_or(std::nullopt).value_or(payments::Summary{})) {
      totals[*directory_.Find(it.name)] = {it.count, it.amount_cents};
    }
    Drop0(totals);
    return totals;
  }
  // By processor and millisecond, from the shelves.
  std::map<std::pair<int64_t, payments::ProcessorId>, SumFigures> OnTheShelves() {
    std::map<std::pair<int64_t, payments::ProcessorId>, SumFigures> all;
    std::optional<ledger::ClaimCursor> cursor = ledger::ClaimCursor{};
    while (cursor) {
      std::optional<std::optional<ledger::ClaimPage>> page;
      claims_->Read(*cursor, [&](auto answer) { page = std::move(answer); });
      EXPECT_TRUE(Until([&] { return page.has_value(); }) && *page) << told_;
      if (!page || !*page) break;
      for (const auto& [id, entry] : (*page)->claims) {
        if (!entry.counted) continue;
        SumFigures& sum = all[{entry.requested_at_ms, entry.processor}];
        sum = Plus(sum, {1, entry.amount_cents});
      }
      cursor = (*page)->next;
    }
    return all;
  }
  void ExpectSummariesAreThePayments() {
    const auto payments = OnTheShelves();
    const auto expect = [&](const payments::SummaryRange& range) {
      Totals totals;
      for (const auto& [key, sum] : payments) {
        if (key.first < range.from_ms || key.first > range.to_ms) continue;
        totals[key.second] = Plus(totals[key.second], sum);
      }
      ASSERT_EQ(Summed(range), totals) << range.from_ms << " to " << range.to_ms;
    };
    expect({});
    for (int i = 0; i < 300; ++i) {
      const int64_t from_ms = start_ms_ - 1000 + static_cast<int64_t>(random_.Below(kHourMs));
      const uint64_t long_ms = uint64_t{1} << random_.Below(23);
      expect({.from_ms = from_ms, .to_ms = from_ms + static_cast<int64_t>(random_.Below(long_ms))});
    }
    for (const auto& [key, sum] : payments) {
      if (random_.Below(20) == 0) expect({.from_ms = key.first, .to_ms = key.first});
    }
  }

  std::unique_ptr<ledger::RedisBooks> books_;
  std::unique_ptr<ledger::RedisClaimReader> claims_;
  std::unique_ptr<ledger::RedisSumNodes> nodes_;
  base::Random random_{11};
  int64_t start_ms_ = 0;
  uint64_t number_ = 0;
  std::vector<RecordRequest> booked_;
  std::string error_;
};

}  // namespace tollgate::reconcile

// RedisLedgerTest: a ledger on a real redis-server, with calls that wait for their replies.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/ledger/redis_fixture.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {

class RedisLedgerTest : public testing::RedisFixture, public LedgerEvents {
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

  RedisLedger& Connect(const std::string& known_run_id = "", int64_t command_timeout_ms = 20'000) {
    RedisOptions options = Options();
    options.command_timeout_ms = command_timeout_ms;
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, known_run_id);
    ledger_->SetEvents(this);
    ledger_->Start();
    EXPECT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
    return *ledger_;
  }
  std::vector<ClaimReply> Claim(const Owner& owner, const std::vector<ClaimRequest>& requests) {
    failed_ = false;
    ledger_->Claim(owner, requests, ++batch_);
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
    return failed_ ? std::vector<ClaimReply>{} : claimed_;
  }
  std::vector<ClaimReply> TakeOver(const Owner& owner,
                                   const std::vector<TakeOverRequest>& requests) {
    failed_ = false;
    ledger_->TakeOver(owner, requests, ++batch_);
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
    return failed_ ? std::vector<ClaimReply>{} : claimed_;
  }
  std::vector<RecordReply> Record(const Owner& owner, const std::vector<RecordRequest>& requests) {
    failed_ = false;
    ledger_->Record(owner, requests, ++batch_);
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
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

  void Cli(const std::vector<std::string>& command) {
    std::vector<std::string> argv{"redis-cli", "-s", Socket()};
    argv.insert(argv.end(), command.begin(), command.end());
    testing::ChildProcess cli(argv, folder_ / "cli.log");
    ASSERT_EQ(cli.WaitExit(20'000), 0) << cli.Log();
    ASSERT_EQ(cli.Log().find("ERR"), std::string::npos) << cli.Log();
  }
  std::string Asked(const std::vector<std::string>& command) {
    std::vector<std::string> argv{"redis-cli", "-s", Socket(), "--raw"};
    argv.insert(argv.end(), command.begin(), command.end());
    testing::ChildProcess cli(argv, folder_ / ("asked-" + std::to_string(++asked_) + ".log"));
    EXPECT_EQ(cli.WaitExit(5'000), 0) << cli.Log();
    return cli.Log();
  }
  int64_t KeysLike(const std::string& pattern) {
    testing::ChildProcess cli({"redis-cli", "-s", Socket(), "--raw", "eval",
                               "return #redis.call('KEYS', ARGV[1])", "0", pattern},
                              folder_ / ("keys-" + std::to_string(++asked_) + ".log"));
    EXPECT_EQ(cli.WaitExit(5'000), 0) << cli.Log();
    return std::stoll(cli.Log());
  }
  // Moves the beginning of the present shelf of booked payments back by `seconds`.
  void MakeShelfOlder(int64_t seconds) {
    Cli({"eval",
         "local number, began, rest = string.match(redis.call('GET', 'tollgate:shelf'), "
         "  '^(%d+) (%d+) (.*)$') "
         "redis.call('SET', 'tollgate:shelf', number .. ' ' .. string.format('%d', began - "
         "ARGV[1]) "
         "  .. ' ' .. rest)",
         "0", std::to_string(seconds)});
  }
  std::string ShelfNumber() {
    const std::string shelf = Asked({"get", "tollgate:shelf"});
    return shelf.substr(0, shelf.find(' '));
  }

  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<RedisLedger> ledger_;
  std::vector<ClaimReply> claimed_;
  std::vector<RecordReply> recorded_;
  uint64_t batch_ = 0, done_ = 0;
  int asked_ = 0;
  bool failed_ = false, tail_lost_ = false;
  const Owner owner_{.table = {1, 2}, .incarnation = 5, .nonce = 77};
};

}  // namespace tollgate::ledger

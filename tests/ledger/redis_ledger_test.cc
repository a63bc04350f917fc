#include "tollgate/ledger/redis_ledger.h"

#include <gtest/gtest.h>

#include "ledger/lua_scripts.h"
#include "tests/ledger/redis_ledger_fixture.h"

namespace tollgate::ledger {
namespace {

// Anything that another client writes into Redis affects only its own payment.
TEST_F(RedisLedgerTest, AClaimThatNoGatewayCanHaveMadeFailsAloneAndIsToldOf) {
  RedisLedger& ledger = Connect();
  const Owner owner{.table = {1, 1}, .incarnation = 1, .nonce = 1};
  // The offset of a field in a pending claim: attempt 24, processor 26, requestedAt 27.
  const std::pair<const char*, const char*> damages[] = {
      {"24", R"(\255\255)"},                   // attempt 65535
      {"26", R"(\31)"},                        // no processor
      {"26", R"(\99)"},                        // one without a name
      {"27", R"(\0\0\0\0\0\1)"},               // 1970
      {"27", R"(\255\255\255\255\255\255)"}};  // before 1970, or after 2059
  uint64_t id = 0;
  for (const auto& [at, bytes] : damages) {
    ASSERT_EQ(Claim(owner, {Request(++id)})[0].verdict, ClaimVerdict::kYours);
    const std::string damage =
        std::string("local new = '") + bytes +
        "' for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do local old = redis.call('HGET', "
        "KEYS[1], id) redis.call('HSET', KEYS[1], id, old:sub(1, " +
        at + ") .. new .. old:sub(" + at + " + 1 + #new)) end";
    Cli({"eval", damage, "1", Options().prefix + "claims"});
    told_.clear();
    const auto replies = Claim(owner, {Request(id), Request(1'000 + id, 2)});
    ASSERT_EQ(replies.size(), 2U) << "the connection was given up: " << told_;
    EXPECT_EQ(replies[0].verdict, ClaimVerdict::kFailed) << at << ' ' << bytes;
    EXPECT_EQ(replies[1].verdict, ClaimVerdict::kYours) << at << ' ' << bytes;
    EXPECT_NE(told_.find("not one that a gateway can have made"), std::string::npos) << told_;
    EXPECT_TRUE(ledger.ready());
    Cli({"del", Options().prefix + "claims"});
  }
}

TEST_F(RedisLedgerTest, AKilledServerFailsTheBatchAndItsReturnIsATailThatMayBeLost) {
  RedisLedger& ledger = Connect();
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  redis_.Kill();
  ASSERT_TRUE(Until([&] { return !ledger.ready(); }));
  EXPECT_FALSE(tail_lost_);
  StartRedis();
  ASSERT_TRUE(Until([&] { return ledger.ready(); }));
  EXPECT_TRUE(tail_lost_);
  EXPECT_FALSE(ledger.can_claim());
  ASSERT_TRUE(Until([&] { return ledger.can_claim(); }));
}

TEST_F(RedisLedgerTest, APausedServerIsGivenUpAtTheDeadline) {
  RedisLedger& ledger = Connect("", 500);
  redis_.Signal(SIGSTOP);
  EXPECT_TRUE(Claim(owner_, {Request(1)}).empty());
  EXPECT_FALSE(ledger.ready());
  redis_.Signal(SIGCONT);
  ASSERT_TRUE(Until([&] { return ledger.ready(); }));
  EXPECT_FALSE(tail_lost_) << "the same run lost nothing";
}

TEST_F(RedisLedgerTest, FlushedScriptsAreLoadedAgain) {
  RedisLedger& ledger = Connect();
  testing::ChildProcess flush({"redis-cli", "-s", Socket(), "script", "flush"},
                              folder_ / "cli.log");
  ASSERT_EQ(flush.WaitExit(5'000), 0);
  EXPECT_TRUE(Claim(owner_, {Request(1)}).empty());
  ASSERT_TRUE(Until([&] { return ledger.ready(); }));
  EXPECT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
}

TEST_F(RedisLedgerTest, OutOfMemoryClaimsFailAndRecordsGoThrough) {
  Connect();
  testing::ChildProcess full({"redis-cli", "-s", Socket(), "config", "set", "maxmemory", "1"},
                             folder_ / "cli.log");
  ASSERT_EQ(full.WaitExit(5'000), 0);
  EXPECT_TRUE(Claim(owner_, {Request(1)}).empty());
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  const auto recorded = Record(owner_, {{.claim = Request(1)}});
  ASSERT_EQ(recorded.size(), 1U) << told_;
  EXPECT_EQ(recorded[0].verdict, RecordVerdict::kDone);
}

TEST_F(RedisLedgerTest, ARedisThatEvictsIsNotUsed) {
  redis_.Kill();
  StartRedis({"--maxmemory-policy", "allkeys-lru"});
  RedisLedger ledger(loop_, Options(), directory_, "");
  ledger.SetEvents(this);
  ledger.Start();
  ASSERT_TRUE(Until([&] { return told_.find("noeviction") != std::string::npos; })) << told_;
  EXPECT_FALSE(ledger.ready());
}

// At a low rate payments come one by one, and other clients wait for Redis during each.
TEST_F(RedisLedgerTest, APaymentThatComesAloneTakesFewCommands) {
  Connect();
  auto commands = [&, asked = 0]() mutable {
    testing::ChildProcess cli({"redis-cli", "-s", Socket(), "info", "commandstats"},
                              folder_ / ("stats-" + std::to_string(++asked) + ".log"));
    EXPECT_EQ(cli.WaitExit(5'000), 0);
    const std::string text = cli.Log();
    int64_t calls = 0;
    for (size_t at = text.find("calls="); at != std::string::npos; at = text.find("calls=", at)) {
      at += 6;
      calls += std::stoll(text.substr(at));
    }
    EXPECT_GT(calls, 0) << text;
    return calls;
  };
  constexpr int64_t kPayments = 256;
  const int64_t before = commands();
  for (uint64_t i = 1; i <= kPayments; ++i) {
    ClaimRequest request = Request(i, static_cast<uint32_t>(i));
    request.requested_at_ms += static_cast<int64_t>(2 * i);
    ASSERT_EQ(Claim(owner_, {request}).at(0).verdict, ClaimVerdict::kYours);
    ASSERT_EQ(Record(owner_, {{.claim = request}}).at(0).verdict, RecordVerdict::kDone);
  }
  const double each = static_cast<double>(commands() - before) / kPayments;
  // The two scripts, five and ten commands of theirs, and a share of the writes into the tree.
  EXPECT_LT(each, 18.5);
  EXPECT_GT(each, 10) << "nothing was counted";
}

// A list would be searched from its beginning for each id of a batch, up to hundreds.
TEST_F(RedisLedgerTest, PendingClaimsAreATableAndGoneOnceTheyAreSettled) {
  Connect();
  const std::vector<ClaimRequest> claims{Request(1), Request(2), Request(3)};
  ASSERT_EQ(Claim(owner_, claims).size(), 3U);
  EXPECT_EQ(Asked({"object", "encoding", "tollgate:claims"}), "hashtable\n");
  EXPECT_EQ(Asked({"hlen", "tollgate:claims"}), "3\n");
  ASSERT_EQ(Record(owner_, {{.claim = claims[0]}, {.claim = claims[1], .booked = false}}).size(),
            2U);
  EXPECT_EQ(Asked({"hlen", "tollgate:claims"}), "1\n");
  ASSERT_EQ(Record(owner_, {{.claim = claims[2]}}).size(), 1U);
  EXPECT_EQ(Asked({"exists", "tollgate:claims"}), "0\n");
}

// Lua limits the number of arguments. A batch beyond that must not be executed in part.
TEST_F(RedisLedgerTest, ABatchThatIsTooLargeIsRefusedAsAWhole) {
  Connect();
  // The columns of a batch, so many bytes of each for a payment.
  const auto answer = [&](std::string_view script, size_t count,
                          const std::vector<size_t>& columns) {
    std::vector<std::string> command{
        "eval",     std::string(script), "1",     "tollgate:", std::string(16, 't'),
        "12345678", "12345678",          "name\n"};
    for (const size_t bytes : columns) command.emplace_back(count * bytes, 'a');
    if (script == lua::kRecord) command.emplace_back("3600:16");
    command.emplace_back("0");
    return Asked(command);
  };
  const std::vector<size_t> claim{16, 65, 1};
  const std::vector<size_t> record{16, 14, 8, 5};
  EXPECT_EQ(answer(lua::kClaim, 1'001, claim), "ERR malformed batch\n\n");
  EXPECT_EQ(answer(lua::kRecord, 1'001, record), "ERR malformed batch\n\n");
  // A column that has too little.
  EXPECT_EQ(answer(lua::kClaim, 3, {16, 64, 1}), "ERR malformed batch\n\n");
  EXPECT_EQ(answer(lua::kRecord, 3, {16, 14, 8, 4}), "ERR malformed batch\n\n");
  EXPECT_EQ(KeysLike("tollgate:*"), 0);
}

}  // namespace
}  // namespace tollgate::ledger

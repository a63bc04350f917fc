// A server that is not a primary, or that refuses calls, is not used and not called in a tight
// loop, and the problem is reported once. On real servers: a primary and its replica, and users
// without rights.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

class RedisPrimaryTest : public RedisLedgerTest {
 protected:
  void SetUp() override {
    RedisLedgerTest::SetUp();
    ASSERT_TRUE(AnswersAt(Socket()));
  }
  // Waits until the server at `socket` serves.
  bool AnswersAt(const std::string& socket) {
    return testing::Eventually([&] {
      testing::ChildProcess cli({"redis-cli", "-s", socket, "ping"},
                                folder_ / ("ping-" + std::to_string(++asked_) + ".log"));
      return cli.WaitExit(20'000) == 0 && cli.Log() == "PONG\n";
    });
  }
  // The fixture's server, and a second one that is its replica.
  void StartPair() {
    redis_.Kill();
    port_ = std::to_string(testing::FreePort());
    StartRedis({"--port", port_, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"});
    replica_ = testing::ChildProcess(
        {"redis-server", "--port", "0", "--unixsocket", Replica(), "--dir", folder_.path(),
         "--save", "", "--dbfilename", "replica.rdb", "--replicaof", "127.0.0.1 " + port_},
        folder_ / "replica.log");
    ASSERT_TRUE(AnswersAt(Socket()) && AnswersAt(Replica()));
    ASSERT_TRUE(testing::Eventually([&] {
      return AskedAt(Replica(), {"role"}).find("connected") != std::string::npos;
    })) << replica_.Log();
  }
  std::string Replica() const { return folder_ / "replica.sock"; }
  std::string AskedAt(const std::string& socket, const std::vector<std::string>& command) {
    std::vector<std::string> argv{"redis-cli", "-s", socket, "--raw"};
    argv.insert(argv.end(), command.begin(), command.end());
    testing::ChildProcess cli(argv, folder_ / ("at-" + std::to_string(++asked_) + ".log"));
    EXPECT_EQ(cli.WaitExit(20'000), 0) << cli.Log();
    return cli.Log();
  }
  // Reads a number from INFO: the server's own counts of connections and commands.
  int64_t Stat(const std::string& socket, const std::string& section, const std::string& before) {
    const std::string text = AskedAt(socket, {"info", section});
    const size_t at = text.find(before);
    return at == std::string::npos ? 0 : std::stoll(text.substr(at + before.size()));
  }
  // The fixture's server follows a server that does not exist, and so keeps its data.
  void Demote() { Cli({"replicaof", "127.0.0.1", "1"}); }
  void Promote() { Cli({"replicaof", "no", "one"}); }
  // The role is checked when a query is made, not at intervals.
  RedisOptions WithoutClock() {
    RedisOptions options = Options();
    options.role_interval_ms = 3'600'000;
    return options;
  }
  int64_t Lines() const { return std::count(told_.begin(), told_.end(), '\n'); }
  // The answer that `ask` gets, at most once; false: none.
  bool Answered(const std::function<void(std::function<void(bool)>)>& ask) {
    std::optional<bool> answer;
    ask([&](bool is) { answer = is; });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    return answer.value_or(false);
  }
  // How many tries are possible in `ms` if each wait is twice the one before, half of it random,
  // from 10 ms up to 1 s.
  static int64_t TriesMax(int64_t ms) { return 9 + ms / 500; }
  int64_t NowMs() const { return clock_.MonotonicNanos() / base::kNanosPerMilli; }
  // Claims whenever it can, for `ms` and at least `tries_min` times. Returns how often.
  int64_t ClaimFor(int64_t ms, int64_t tries_min = 2) {
    int64_t tries = 0;
    bool under_way = false;
    const int64_t end_ms = NowMs() + ms;
    while (NowMs() < end_ms || (tries < tries_min && NowMs() < end_ms + 20'000)) {
      if (under_way && done_ == batch_) under_way = false;
      if (!under_way && ledger_->ready()) {
        ledger_->Claim(owner_, std::vector{Request(1)}, ++batch_);
        under_way = true;
        ++tries;
      }
      loop_.RunOnce(1);
    }
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
    return tries;
  }

  std::string port_;
  testing::ChildProcess replica_;
};

TEST_F(RedisPrimaryTest, AReplicaIsNotUsedAndThatIsSaidOnce) {
  ASSERT_NO_FATAL_FAILURE(StartPair());
  RedisOptions options = Options();
  options.unix_path = Replica();
  RedisLedger ledger(loop_, options, directory_, "");
  ledger.SetEvents(this);
  ledger.Start();
  const std::string connections = "total_connections_received:";
  const int64_t before = Stat(Replica(), "stats", connections);
  // More connections than those of redis-cli alone.
  for (int64_t asked = 0; asked < 20; ++asked) {
    Until([&] { return ledger.ready(); }, 50);
    ASSERT_FALSE(ledger.ready());
    if (Stat(Replica(), "stats", connections) - before > asked + 5) break;
  }
  EXPECT_EQ(Lines(), 1) << told_;
  EXPECT_NE(told_.find("is not the primary, but a replica of 127.0.0.1:" + port_),
            std::string::npos)
      << told_;
  EXPECT_NE(told_.find("Name the primary"), std::string::npos) << told_;
  EXPECT_EQ(Stat(Replica(), "commandstats", "cmdstat_evalsha:calls="), 0);
  AskedAt(Replica(), {"replicaof", "no", "one"});
  EXPECT_TRUE(Until([&] { return ledger.ready(); })) << told_;
}

TEST_F(RedisPrimaryTest, NoQuestionIsAnsweredByAServerThatIsAReplicaWhenItIsAsked) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1), Request(2)}).size(), 2U);
  ASSERT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  RedisBooks books(loop_, WithoutClock(), directory_);
  RedisClaimReader reader(loop_, WithoutClock(), directory_);
  books.Start();
  reader.Start();
  const std::vector<std::function<void(std::function<void(bool)>)>> questions{
      [&](auto done) {
        books.GetSummary({}, [done](const auto& summary) { done(summary.has_value()); });
      },
      [&](auto done) {
        books.Find(Request(1).payment.id, [done](const auto& entry) { done(entry.has_value()); });
      },
      [&](auto done) {
        books.Find(Request(99).payment.id, [done](const auto& entry) { done(entry.has_value()); });
      },
      [&](auto done) { reader.Read({}, [done](const auto& page) { done(page.has_value()); }); },
      [&](auto done) { books.Purge(done); }};
  for (size_t i = 0; i < questions.size(); ++i) {
    ASSERT_TRUE(Until([&] { return books.ready() && reader.ready(); })) << told_;
    EXPECT_TRUE(Answered(questions[i])) << "question " << i;
    // Also a replica that accepts writes.
    Cli({"config", "set", "replica-read-only", i % 2 == 0 ? "yes" : "no"});
    Demote();
    EXPECT_FALSE(Answered(questions[i])) << "question " << i;
    Promote();
  }
}

TEST_F(RedisPrimaryTest, AnIdleConnectionNoticesThatItsServerIsThePrimaryNoMore) {
  RedisOptions options = Options();
  options.role_interval_ms = 20;
  RedisLedger ledger(loop_, options, directory_, "");
  ledger.SetEvents(this);
  ledger.Start();
  ASSERT_TRUE(Until([&] { return ledger.ready(); })) << told_;
  Until([] { return false; }, 100);
  EXPECT_TRUE(ledger.ready()) << told_;
  Demote();
  EXPECT_TRUE(Until([&] { return !ledger.ready(); })) << "asked again and again";
  EXPECT_TRUE(Until([&] { return told_.find("not the primary") != std::string::npos; })) << told_;
  Promote();
  EXPECT_TRUE(Until([&] { return ledger.ready(); })) << told_;
  EXPECT_EQ(Lines(), 3) << told_;
}

TEST_F(RedisPrimaryTest, ADemotedServerIsSaidAndTriedLessAndLessOften) {
  Connect();
  ASSERT_GE(ClaimFor(1), 2);
  told_.clear();
  Demote();
  const int64_t before = Stat(Socket(), "stats", "total_connections_received:");
  const int64_t began_ms = NowMs();
  ClaimFor(1'500, 0);
  const int64_t tries = Stat(Socket(), "stats", "total_connections_received:") - before - 1;
  EXPECT_LE(tries, TriesMax(NowMs() - began_ms)) << told_;
  // READONLY or the role check, then what the hand-shake finds.
  EXPECT_LE(Lines(), 2) << told_;
  Promote();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
}

TEST_F(RedisPrimaryTest, AServerThatRefusesEveryWriteIsSaidOnceAndTriedLessAndLessOften) {
  Connect();
  ASSERT_GE(ClaimFor(1), 2);
  told_.clear();
  Cli({"config", "set", "min-replicas-to-write", "1"});
  const int64_t began_ms = NowMs();
  const int64_t tries = ClaimFor(2'000);
  EXPECT_LE(tries, TriesMax(NowMs() - began_ms)) << told_;
  EXPECT_GE(tries, 2) << told_;
  EXPECT_EQ(Lines(), 1) << told_;
  EXPECT_NE(told_.find("NOREPLICAS"), std::string::npos) << told_;
  Cli({"config", "set", "min-replicas-to-write", "0"});
  ASSERT_TRUE(Until([&] {
    const int64_t lines = Lines();
    ClaimFor(20);
    return Lines() > lines;
  })) << told_;
  EXPECT_EQ(Lines(), 2) << "it works again, which is said: " << told_;
}

TEST_F(RedisPrimaryTest, ClaimsThatFindNoMemoryAreTriedLessAndLessOften) {
  Connect();
  Cli({"config", "set", "maxmemory", "1"});
  const int64_t began_ms = NowMs();
  const int64_t tries = ClaimFor(2'000);
  EXPECT_LE(tries, TriesMax(NowMs() - began_ms));
  EXPECT_GE(tries, 2);
  EXPECT_TRUE(ledger_->ready()) << "records go through";
  Cli({"config", "set", "maxmemory", "0"});
  EXPECT_EQ(Claim(owner_, {Request(1)}).size(), 1U) << told_;
}

class RedisRightsTest : public RedisPrimaryTest {
 protected:
  // The user has exactly the rights `rights`.
  RedisOptions User(const std::string& rights) {
    std::vector<std::string> words{"acl", "setuser", "tollgate", "reset", "on", ">secret"};
    for (size_t begin = 0; begin < rights.size();) {
      const size_t end = std::min(rights.find(' ', begin), rights.size());
      words.push_back(rights.substr(begin, end - begin));
      begin = end + 1;
    }
    Cli(words);
    RedisOptions options = Options();
    options.user = "tollgate";
    options.password = "secret";
    return options;
  }
  void ConnectWith(const RedisOptions& options) {
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "");
    ledger_->SetEvents(this);
    ledger_->Start();
  }
};

TEST_F(RedisRightsTest, TheRightsThatAreAskedForAreEnoughForEverything) {
  const RedisOptions options = User(std::string(kRedisRights));
  ConnectWith(options);
  RedisBooks books(loop_, options, directory_);
  RedisClaimReader reader(loop_, options, directory_);
  RedisLeaseStore lease(loop_, options);
  books.Start();
  reader.Start();
  lease.Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready() && books.ready() && reader.ready(); })) << told_;
  // Enough to cause writes into the tree.
  for (uint64_t id = 1; id <= 130; ++id) {
    ASSERT_EQ(Claim(owner_, {Request(id)}).at(0).verdict, ClaimVerdict::kYours) << told_;
    ASSERT_EQ(Record(owner_, {{.claim = Request(id)}}).at(0).verdict, RecordVerdict::kDone);
  }
  EXPECT_TRUE(Answered([&](auto done) {
    books.GetSummary({}, [done](const auto& summary) { done(summary && summary->at(0).count); });
  })) << told_;
  EXPECT_TRUE(Answered([&](auto done) {
    books.Find(Request(1).payment.id,
               [done](const auto& entry) { done(entry && entry->has_value()); });
  })) << told_;
  EXPECT_TRUE(Answered([&](auto done) {
    reader.Read({}, [done](const auto& page) { done(page.has_value()); });
  })) << told_;
  EXPECT_TRUE(Answered([&](auto done) { books.Purge(done); })) << told_;
  const auto held = std::make_shared<bool>(false);
  EXPECT_TRUE(Until([&] {
    lease.Acquire("token", 5'000, {}, [held](const auto& view) { *held = view && view->held; });
    loop_.RunOnce(10);
    return *held;
  })) << told_;
  EXPECT_TRUE(Answered([&](auto done) { lease.Publish("token", "text", done); })) << told_;
  EXPECT_TRUE(Answered([&](auto done) { lease.Release("token", done); })) << told_;
  // The purge left many keys to remove.
  EXPECT_TRUE(Until([&] { return KeysLike("tollgate:b:0:*") == 0; })) << told_;
  EXPECT_EQ(told_.find("needs"), std::string::npos) << told_;
}

TEST_F(RedisRightsTest, AUserWithoutARightIsToldOnceWhichItNeeds) {
  const std::vector<std::string> lacking{"-info", "-role",         "-script",           "-evalsha",
                                         "-hset", "-@transaction", "resetkeys ~other:*"};
  for (const std::string& less : lacking) {
    told_.clear();
    const RedisOptions options = User(std::string(kRedisRights) + " " + less);
    ConnectWith(options);
    RedisOptions silent = options;
    silent.report = nullptr;
    RedisBooks books(loop_, less == "-@transaction" ? options : silent, directory_);
    books.Start();
    Until([&] { return !told_.empty(); });
    if (ledger_->ready()) ClaimFor(300);
    if (books.ready()) {
      Answered([&](auto done) {
        books.GetSummary({}, [done](const auto& summary) { done(summary.has_value()); });
      });
    }
    EXPECT_NE(told_.find("Its user needs " + std::string(kRedisRights)), std::string::npos)
        << less << ": " << told_;
    // For the ledger and for the books: "connected", and the problem.
    EXPECT_LE(Lines(), 4) << less << ": " << told_;
  }
}

}  // namespace
}  // namespace tollgate::ledger

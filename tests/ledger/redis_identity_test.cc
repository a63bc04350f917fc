// What only books in Redis know: an id that was put back, and books of version 0.1.
#include <gtest/gtest.h>

#include <memory>

#include "ledger/lua_scripts.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

class RedisIdentityTest : public RedisLedgerTest {
 protected:
  void Greet(bool new_fleet) {
    RedisOptions options = Options();
    options.command_timeout_ms = 20'000;
    options.grace_ms = 300;
    options.new_fleet = new_fleet;
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "", &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
  }
  bool GreetedAs(BooksStanding standing) {
    return Until([&] { return ledger_->standing() == standing; });
  }
  std::string Eval(const std::string& script) {
    std::string text = Asked({"eval", script, "0"});
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  // True if a summary is answered.
  bool HasSummary() {
    RedisBooks books(loop_, Options(), directory_, &memory_);
    books.Start();
    EXPECT_TRUE(Until([&] { return books.ready(); }));
    std::optional<bool> answer;
    books.GetSummary({}, [&](const auto& summary) { answer = summary.has_value(); });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    return answer.value_or(false);
  }

  simulation::PlainMemory memory_;
};

// The reply may be lost, and the process that got it too.
TEST_F(RedisIdentityTest, AnIdThatHadToBePutBackIsNotedAsALossByTheSameCall) {
  Greet(true);
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << told_;
  ledger_.reset();
  const auto put_back = [&](const char* accept_loss) {
    Cli({"flushall"});
    const std::string said =
        Asked({"eval", std::string(lua::kHello), "1", "tollgate:", std::string(16, 't'), "12345678",
               "12345678", "default\n", "7", std::string(16, 'b'), "", "", "server", accept_loss});
    EXPECT_EQ(Asked({"get", "tollgate:books"}), std::string(16, 'b') + "\n") << said;
    return Asked({"exists", "tollgate:lossy"});
  };
  EXPECT_EQ(put_back("0"), "1\n");
  EXPECT_EQ(put_back("1"), "0\n");
}

TEST_F(RedisIdentityTest, BooksOfVersion01AreRefusedWithWhatToDoAndTheirSumsTakenOver) {
  Connect();  // without a table: it waits for Redis and writes nothing
  ledger_.reset();
  Eval(
      "redis.call('HSET', 'tollgate:owners', string.rep('a', 16), string.rep('b', 20)) "
      "redis.call('SET', 'tollgate:s:0:recent', "
      "struct.pack('>I1I6I6', 0, 1752583000000 % 2^48, 1990)) "
      "redis.call('HSET', 'tollgate:names', 'default', 0) return 1");
  Greet(false);
  ASSERT_TRUE(GreetedAs(BooksStanding::kStrangers)) << told_;
  EXPECT_NE(told_.find("are of version 0.1"), std::string::npos) << told_;
  EXPECT_EQ(Eval("return redis.call('EXISTS', 'tollgate:books', 'tollgate:tables')"), "0")
      << "nothing is written";
  Cli({"del", "tollgate:owners", "tollgate:pending"});
  ASSERT_TRUE(GreetedAs(BooksStanding::kOurs)) << told_;
  EXPECT_TRUE(HasSummary());
  // A gateway of version 0.1 fails at its first call.
  EXPECT_EQ(Eval("return redis.pcall('HGET', 'tollgate:owners', 'x').err and 1 or 0"), "1");
}

}  // namespace
}  // namespace tollgate::ledger

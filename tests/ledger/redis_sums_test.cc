// A summary from a Redis that holds what it cannot hold.
#include <gtest/gtest.h>

#include <utility>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

TEST_F(RedisLedgerTest, ASumThatRedisCannotReadIsNoAnswerRatherThanNothing) {
  Connect();
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  ASSERT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  const auto ask = [&] {
    std::optional<payments::Summary> summary;
    bool answered = false;
    books.GetSummary({}, [&](auto answer) {
      summary = std::move(answer);
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    return summary;
  };
  ASSERT_TRUE(ask().has_value());
  Cli({"set", "tollgate:s:0:5", "no hash"});
  EXPECT_FALSE(ask().has_value());
  EXPECT_NE(told_.find("WRONGTYPE"), std::string::npos) << told_;
  Cli({"del", "tollgate:s:0:5"});
  EXPECT_TRUE(ask().has_value());
  Cli({"append", "tollgate:s:0:recent", "half"});
  EXPECT_FALSE(ask().has_value());
  Cli({"del", "tollgate:s:0:recent"});
  EXPECT_TRUE(ask().has_value());
}

}  // namespace
}  // namespace tollgate::ledger

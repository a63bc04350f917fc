// Summaries as of the moment they were asked for, over a real Redis.
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/ledger/redis_record_barrier.h"

namespace tollgate::ledger {
namespace {

class Gate final : public RecordGate {
 public:
  void Hold() override { held = true; }
  void Release() override { held = false; }
  HeldRecords records() const override { return now; }
  bool held = false;
  HeldRecords now = HeldRecords::kRecorded;
};

class RedisSummaryCutTest : public RedisLedgerTest {
 protected:
  // Two workers and an acceptor.
  void Open(const RedisOptions& options) {
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "");
    ledger_->SetEvents(this);
    ledger_->Start();
    for (size_t i = 0; i < gates_.size(); ++i) {
      barriers_[i] = std::make_unique<RedisRecordBarrier>(
          loop_, options, gates_[i],
          [this](const std::string& channel, const std::string& text) {
            ledger_->Publish(channel, text);
          },
          [this] { return ledger_->connected_count(); });
      barriers_[i]->Start();
    }
    loop_.AddTurnHook([this] {
      for (const auto& barrier : barriers_) barrier->OnTurn();
    });
    RedisOptions asking = options;
    asking.summary_workers_min = barriers_.size();
    books_ = std::make_unique<RedisBooks>(loop_, asking, directory_);
    books_->OnInexactSummary([this] { ++inexact_; });
    books_->Start();
    ASSERT_TRUE(Until([&] { return ledger_->ready() && books_->ready(); })) << told_;
  }
  void OpenAndListen() {
    ASSERT_NO_FATAL_FAILURE(Open(Options()));
    ASSERT_TRUE(Until([&] { return ExactSummary(); })) << told_;
    inexact_ = 0;
  }
  // The counts of answers with and without a summary.
  void Ask() {
    books_->GetSummary({}, [this](const auto& summary) { ++(summary ? answered_ : refused_); });
  }
  bool Answered(int count = 1, int64_t ms = 20'000) {
    return Until([&] { return answered_ == count; }, ms);
  }
  bool ExactSummary() {
    const int before = inexact_;
    const int count = answered_ + 1;
    Ask();
    return Answered(count) && inexact_ == before;
  }

  std::array<Gate, 2> gates_;
  std::array<std::unique_ptr<RedisRecordBarrier>, 2> barriers_;
  std::unique_ptr<RedisBooks> books_;
  int answered_ = 0;
  int refused_ = 0;
  int inexact_ = 0;
};

TEST_F(RedisSummaryCutTest, AListenerIsRenewedWithTheConnectionToTheBooks) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen());
  const std::string before = Asked({"client", "list", "type", "pubsub"});
  Cli({"client", "kill", "type", "normal"});
  const auto known = [&](const std::string& line) {
    return before.find(line.substr(0, line.find(' ') + 1)) != std::string::npos;
  };
  EXPECT_TRUE(Until([&] {
    const std::string now = Asked({"client", "list", "type", "pubsub"});
    return std::count(now.begin(), now.end(), '\n') == 3 && !known(now);
  })) << told_;
  EXPECT_TRUE(Until([&] { return ExactSummary(); })) << told_;
}

TEST_F(RedisSummaryCutTest, ListenersThatAreCutOffComeBack) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen());
  Cli({"client", "kill", "type", "pubsub"});
  EXPECT_TRUE(Until([&] { return ExactSummary(); })) << told_;
  EXPECT_EQ(refused_, 0);
}

TEST_F(RedisSummaryCutTest, WhatOthersPublishIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(OpenAndListen());
  const std::string channel = "tollgate:summaries:0";
  for (const char* text : {"", "a", "a ", "a 1", "a 1 2", "a 1 2 3 4", "d x 1 1", "a -1 1 1",
                           "b 1 1 1", "a 99999999999999999999999 1 1", "a 1 18446744073709551615 1",
                           "a 1 1 18446744073709551615", "d 1 2 3"}) {
    Cli({"publish", channel, text});
  }
  EXPECT_TRUE(Until([&] { return ExactSummary(); })) << told_;
  EXPECT_EQ(told_.find("no message"), std::string::npos) << told_;
}

TEST_F(RedisSummaryCutTest, WithoutRightsToTheChannelsSummariesAreAnsweredAndItIsTold) {
  Connect();
  Cli({"acl", "setuser", "tollgate", "reset", "on", ">secret", "~*", "+@all", "resetchannels"});
  RedisOptions options = Options();
  options.user = "tollgate";
  options.password = "secret";
  ASSERT_NO_FATAL_FAILURE(Open(options));
  Ask();
  ASSERT_TRUE(Answered());
  EXPECT_EQ(inexact_, 1);
  EXPECT_TRUE(Until([&] { return told_.find("&tollgate:*") != std::string::npos; })) << told_;
}

}  // namespace
}  // namespace tollgate::ledger

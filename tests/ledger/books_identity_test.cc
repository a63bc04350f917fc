// Whose books these are, and what they have lost, as a table's ledger sees it on a real Redis.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "ledger/lua_scripts.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

class BooksIdentityTest : public RedisLedgerTest {
 protected:
  void OnNotNewest() override {
    ++not_newest_;
    if (!next_owner_) return;
    memory_.BeginEra(EraOf(memory_.number));
    ledger_->SetOwner(*next_owner_);
  }

  void Greet(bool new_fleet = true, const std::string& known_run_id = "") {
    RedisOptions options = Options();
    options.command_timeout_ms = 20'000;
    options.grace_ms = kGraceMs;
    options.new_fleet = new_fleet;
    options.accept_loss = accept_loss_;
    ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, known_run_id, &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
  }
  bool GreetedAs(BooksStanding standing) {
    return Until([&] { return ledger_->standing() == standing; });
  }
  // The table's number on the books, as text.
  std::string NumberOnBooks() {
    std::string id;
    for (const uint64_t word : {owner_.table.high, owner_.table.low}) {
      for (int i = 7; i >= 0; --i) id += static_cast<char>(word >> (8 * i) & 0xFFU);
    }
    std::string hex;
    for (const char c : id) {
      char text[8];
      std::snprintf(text, sizeof(text), "\\%03d", static_cast<unsigned char>(c));
      hex += text;
    }
    return Eval("return redis.call('HGET', 'tollgate:numbers', '" + hex + "')");
  }
  std::string Eval(const std::string& script) {
    std::string text = Asked({"eval", script, "0"});
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  // Keep() saves the books' numbers. RollBack() restores them under the same run and connections.
  void Keep() { Eval("redis.call('COPY', 'tollgate:numbers', 'kept', 'REPLACE')"); }
  void RollBack() { Eval("redis.call('COPY', 'kept', 'tollgate:numbers', 'REPLACE')"); }
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

  static constexpr int64_t kGraceMs = 300;
  PlainMemory memory_;
  std::optional<Owner> next_owner_;
  int not_newest_ = 0;
  bool accept_loss_ = false;
};

TEST_F(BooksIdentityTest, BooksThatNobodyHadGetAnIdAtOnceAndNoGrace) {
  Greet(true);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
  EXPECT_TRUE(ledger_->can_claim());
  EXPECT_NE(memory_.books, payments::Uuid{});
  EXPECT_GT(memory_.number, 0U);
  // A table that joins while the server runs on needs no grace either.
  const payments::Uuid id = memory_.books;
  ledger_.reset();
  memory_ = {};
  Greet(false);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  EXPECT_TRUE(ledger_->can_claim());
  EXPECT_EQ(memory_.books, id);
}

// The reply may be lost, and the process that got it too.
TEST_F(BooksIdentityTest, AnIdThatHadToBePutBackIsNotedAsALossByTheSameCall) {
  Greet();
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

// The books are flushed while tables use them. These put their id back, and a new instance does not
// shut them out.
TEST_F(BooksIdentityTest, ANewInstanceLeavesBooksThatWereEmptiedToThoseWhoseTheyAre) {
  Greet(true);
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << told_;
  const payments::Uuid id = memory_.books;
  std::this_thread::sleep_for(
      std::chrono::milliseconds(1'100));  // the server has run for longer than a moment
  Until([] { return false; }, 100);       // it greets, and not again for half a second
  Cli({"flushall"});
  RedisOptions options = Options();
  options.grace_ms = 900;
  options.new_fleet = true;
  PlainMemory newcomer;
  RedisLedger other(loop_, options, directory_, "", &newcomer);
  other.SetEvents(this);
  other.SetOwner({.table = {8, 8}, .incarnation = 1, .nonce = 1});
  other.Start();
  EXPECT_TRUE(Until([&] { return other.ready(); })) << told_;
  EXPECT_EQ(newcomer.books, id);
}

TEST_F(BooksIdentityTest, AnIdIsMadeOnlyAfterTheGraceWhereOthersMayKnowOne) {
  const int64_t began_ns = clock_.MonotonicNanos();
  Greet(false);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
  EXPECT_GE(clock_.MonotonicNanos() - began_ns, kGraceMs * base::kNanosPerMilli);
}

TEST_F(BooksIdentityTest, WhoKnowsTheIdPutsItBackBeforeOthersMakeOne) {
  Greet(false);
  PlainMemory knows;
  knows.books = {7, 7};
  knows.number = 5;
  RedisOptions options = Options();
  options.grace_ms = kGraceMs;
  RedisLedger other(loop_, options, directory_, "an earlier run", &knows);
  struct Quiet final : LedgerEvents {
    void OnClaimed(uint64_t, std::span<const ClaimReply>) override {}
    void OnRecorded(uint64_t, std::span<const RecordReply>) override {}
    void OnBatchFailed(uint64_t) override {}
    void OnTailLost() override { lost = true; }
    void OnLedgerState() override {}
    bool lost = false;
  } quiet;
  other.SetEvents(&quiet);
  other.SetOwner({.table = {9, 9}, .incarnation = 1, .nonce = 1});
  other.Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready() && other.ready(); })) << told_;
  EXPECT_TRUE(quiet.lost);
  EXPECT_EQ(memory_.books, knows.books);
}

TEST_F(BooksIdentityTest, OtherBooksAreNotUsedAndAreLookedAtAgain) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  const std::string id = Eval(
      "redis.call('RENAME', 'tollgate:books', 'ours') "
      "redis.call('SET', 'tollgate:books', string.rep('x', 16))");
  ASSERT_TRUE(GreetedAs(BooksStanding::kOthers)) << told_;
  EXPECT_FALSE(ledger_->ready());
  EXPECT_NE(told_.find("are not those that this instance's payments are claimed in"),
            std::string::npos)
      << told_;
  EXPECT_FALSE(HasSummary());
  // The name leads to the right server again.
  Eval("redis.call('RENAME', 'ours', 'tollgate:books')");
  ASSERT_TRUE(GreetedAs(BooksStanding::kOurs)) << told_;
  EXPECT_TRUE(ledger_->ready());
  EXPECT_TRUE(HasSummary());
}

TEST_F(BooksIdentityTest, BooksRolledBackUnderTheSameRunClaimNothingAndAreToldAgain) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  Keep();
  ASSERT_EQ(Claim(owner_, {Request(1)})[0].verdict, ClaimVerdict::kYours);
  RollBack();
  const uint64_t era = EraOf(memory_.number);
  EXPECT_TRUE(Claim(owner_, {Request(2)}).empty()) << "claimed on books that have lost something";
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
  EXPECT_TRUE(tail_lost_);
  EXPECT_FALSE(ledger_->can_claim()) << "before the grace";
  EXPECT_EQ(EraOf(memory_.number), era + 1);
  EXPECT_EQ(ledger_->standing(), BooksStanding::kOurs) << "what is lost, the table still holds";
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  EXPECT_EQ(Claim(owner_, {Request(2)})[0].verdict, ClaimVerdict::kYours);
}

TEST_F(BooksIdentityTest, AnIdleTableSeesTheLossByItsGreeting) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  Keep();
  const std::string kept = NumberOnBooks();
  ASSERT_TRUE(Until([&] { return NumberOnBooks() != kept; })) << "it greets again by itself";
  RollBack();
  EXPECT_TRUE(Until([&] { return tail_lost_; }));
}

TEST_F(BooksIdentityTest, ALossBeyondWhatTheTableHoldsStopsSummariesUntilItIsAccepted) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  Keep();
  ASSERT_EQ(Claim(owner_, {Request(1)})[0].verdict, ClaimVerdict::kYours);
  memory_.forgotten = memory_.number;  // a slot that was recorded since is in use again
  RollBack();
  ASSERT_TRUE(GreetedAs(BooksStanding::kLossy)) << told_;
  EXPECT_TRUE(ledger_->ready()) << "what is held goes on";
  EXPECT_FALSE(Until([&] { return ledger_->can_claim(); }, 2 * kGraceMs));
  EXPECT_FALSE(HasSummary());
  RedisBooks books(loop_, Options(), directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  std::optional<int64_t> since;
  books.AcceptLoss([&](const auto& answer) { since = answer; });
  ASSERT_TRUE(Until([&] { return since.has_value(); }));
  EXPECT_GT(*since, 1'700'000'000);
  ASSERT_TRUE(GreetedAs(BooksStanding::kOurs));
  EXPECT_TRUE(HasSummary());
}

TEST_F(BooksIdentityTest, BooksOfVersion01AreRefusedWithWhatToDoAndTheirSumsTakenOver) {
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

TEST_F(BooksIdentityTest, AllFlushedIsPutBackToldAgainAndHeldBack) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  const payments::Uuid id = memory_.books;
  Cli({"flushall"});
  ASSERT_TRUE(GreetedAs(BooksStanding::kLossy)) << told_;
  EXPECT_TRUE(tail_lost_);
  EXPECT_EQ(memory_.books, id);
}

TEST_F(BooksIdentityTest, AllFlushedIsTakenForAPurgeWherePurgingIsAllowed) {
  accept_loss_ = true;
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  Cli({"flushall"});
  ASSERT_TRUE(Until([&] { return tail_lost_; })) << told_;
  EXPECT_TRUE(Until([&] { return ledger_->can_claim(); })) << told_;
  EXPECT_NE(told_.find("this is taken for a purge"), std::string::npos) << told_;
}

TEST_F(BooksIdentityTest, AnOlderCopyIsToldSoBeforeAnythingAndMayGoOnAsAnother) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  ledger_.reset();
  const PlainMemory newest = memory_;
  const Owner old{.table = owner_.table, .incarnation = owner_.incarnation - 1, .nonce = 3};
  next_owner_ =
      Owner{.table = {5, 5}, .incarnation = 1, .nonce = 9, .predecessors = {owner_.table}};
  RedisOptions options = Options();
  ledger_ = std::make_unique<RedisLedger>(loop_, options, directory_, "", &memory_);
  ledger_->SetEvents(this);
  ledger_->SetOwner(old);
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << told_;
  EXPECT_EQ(not_newest_, 1);
  EXPECT_FALSE(tail_lost_) << "another owner has told these books nothing, and lost nothing";
  EXPECT_EQ(memory_.books, newest.books);
}

TEST_F(BooksIdentityTest, WhatATableClaimedUnderAnEarlierIdIsInheritedPinned) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  ASSERT_EQ(Claim(owner_, {Request(1, 4)})[0].verdict, ClaimVerdict::kYours);
  ledger_.reset();
  memory_.number = 0;
  const Owner heir{.table = {5, 5}, .incarnation = 1, .nonce = 9, .predecessors = {owner_.table}};
  ledger_ = std::make_unique<RedisLedger>(loop_, Options(), directory_, "", &memory_);
  ledger_->SetEvents(this);
  ledger_->SetOwner(heir);
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << told_;
  EXPECT_EQ(Claim(heir, {Request(1, 3)})[0].verdict, ClaimVerdict::kElsewhere) << "another slot";
  const ClaimReply reply = Claim(heir, {Request(1, 4, 7)})[0];
  EXPECT_EQ(reply.verdict, ClaimVerdict::kYours);
  EXPECT_TRUE(reply.existed);
  EXPECT_EQ(reply.attempt, 8) << "above both lives' attempts";
  // From now on only the heir has it.
  EXPECT_EQ(Claim(heir, {Request(1, 4, 9)})[0].attempt, 9);
}

// A claim that waited in a dead connection would be on the new books for a slot that was freed long
// ago.
TEST_F(BooksIdentityTest, AClaimThatKnowsOnlyTheBooksBeforeAPurgeClaimsNothing) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  RedisBooks books(loop_, Options(), directory_, &memory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return books.ready(); }));
  uint64_t id = 0;
  for (bool refused = false; !refused; ++id) {
    ASSERT_LT(id, 5U) << "a greeting between the two tells of the purge, but not each time";
    std::optional<bool> purged;
    books.Purge([&](bool done) { purged = done; });
    ASSERT_TRUE(Until([&] { return purged.has_value(); }));
    ASSERT_TRUE(*purged);
    refused = Claim(owner_, {Request(id + 1)}).empty();
  }
  EXPECT_EQ(Eval("return redis.call('HLEN', 'tollgate:claims')"), std::to_string(id - 1));
  EXPECT_EQ(Claim(owner_, {Request(id)}).at(0).verdict, ClaimVerdict::kYours) << "asked again";
}

// The other processor is not configured here, so nothing is taken over for it.
TEST_F(BooksIdentityTest, AClaimSaysWhichProcessorItsNameMeant) {
  const Owner other{.table = {6, 6}, .incarnation = 1, .nonce = 4};
  const auto claim_elsewhere = [&](const std::vector<uint64_t>& here,
                                   const std::vector<uint64_t>& there, uint64_t id) {
    payments::ProcessorDirectory theirs({"fallback", "default"}, {{77}, there});
    PlainMemory memory;
    RedisLedger holder(loop_, Options(), theirs, "", &memory);
    holder.SetEvents(this);
    holder.SetOwner(other);
    holder.Start();
    EXPECT_TRUE(Until([&] { return holder.can_claim(); })) << told_;
    ClaimRequest request = Request(id);
    request.processor = 1;
    holder.Claim(other, std::vector{request}, ++batch_);
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
    EXPECT_EQ(claimed_.at(0).verdict, ClaimVerdict::kYours);
    payments::ProcessorDirectory ours({"default", "fallback"}, {here, {78}});
    memory_.number = 0;
    ledger_ = std::make_unique<RedisLedger>(loop_, Options(), ours, "", &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
    EXPECT_TRUE(Until([&] { return ledger_->can_claim(); })) << told_;
    const ClaimReply reply = Claim(owner_, {Request(id)})[0];
    EXPECT_EQ(reply.verdict, ClaimVerdict::kElsewhere);
    EXPECT_EQ(reply.holder.table, other.table);
    ledger_.reset();
    return reply.processor >= ours.configured_count();
  };
  EXPECT_FALSE(claim_elsewhere({11}, {11}, 1));
  EXPECT_TRUE(claim_elsewhere({11}, {22}, 2));
  EXPECT_FALSE(claim_elsewhere({11, 22}, {22}, 3)) << "was = [...]";
  EXPECT_TRUE(claim_elsewhere({11}, {22, 11}, 4)) << "who takes over must know it";
  EXPECT_FALSE(claim_elsewhere({}, {22}, 5)) << "not known";
}

TEST_F(BooksIdentityTest, SaysThatItIsGoneAndStaysSilent) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  bool said = false;
  ledger_->SayGone([&] { said = true; });
  ASSERT_TRUE(Until([&] { return said; }));
  EXPECT_EQ(NumberOnBooks().front(), '-');
  EXPECT_FALSE(Until([&] { return NumberOnBooks().front() != '-'; }, 1'200));
}

TEST_F(BooksIdentityTest, AnOwnersNumberMovesWhileSomebodyWorksWithIt) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  const auto ask = [&](const payments::Uuid& table) {
    std::optional<OwnerFacts> facts;
    ledger_->AskOwner(table, [&](const auto& answer) { facts = answer; });
    EXPECT_TRUE(Until([&] { return facts.has_value(); }));
    return *facts;
  };
  EXPECT_FALSE(ask({77, 77}).known);
  const OwnerFacts before = ask(owner_.table);
  EXPECT_TRUE(before.known);
  EXPECT_TRUE(Until([&] { return ask(owner_.table).number > before.number; }));
}

}  // namespace
}  // namespace tollgate::ledger

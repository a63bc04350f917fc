// Whose books these are, and what they have lost, as a table's ledger sees it.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

class BooksIdentityTest : public PlaceTest {
 protected:
  void OnNotNewest() override {
    ++not_newest_;
    if (!next_owner_) return;
    memory_.BeginEra(EraOf(memory_.number));
    ledger_->SetOwner(*next_owner_);
  }

  void Greet(bool new_fleet = true, const std::string& known_run_id = "") {
    Use({.grace_ms = kGraceMs, .new_fleet = new_fleet, .accept_loss = accept_loss_});
    ledger_ = place_->MakeLedger(loop_, directory_, known_run_id, &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
  }
  bool GreetedAs(BooksStanding standing) {
    return Until([&] { return ledger_->standing() == standing; });
  }
  int64_t NumberOnBooks() { return hands_->Number(owner_.table); }
  // True if a summary is answered.
  bool HasSummary() { return Total(*NewBooks(&memory_)) >= 0; }

  static constexpr int64_t kGraceMs = 300;
  PlainMemory memory_;
  std::optional<Owner> next_owner_;
  int not_newest_ = 0;
  bool accept_loss_ = false;
};

TEST_P(BooksIdentityTest, BooksThatNobodyHadGetAnIdAtOnceAndNoGrace) {
  Greet(true);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << Told();
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

// The books are flushed while tables use them. These put their id back, and a new instance does not
// shut them out.
TEST_P(BooksIdentityTest, ANewInstanceLeavesBooksThatWereEmptiedToThoseWhoseTheyAre) {
  Greet(true);
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
  const payments::Uuid id = memory_.books;
  std::this_thread::sleep_for(
      std::chrono::milliseconds(1'100));  // the server has run for longer than a moment
  Until([] { return false; }, 100);       // it greets, and not again for half a second
  hands_->Empty();
  // Where the books are a file, the tables beside it show that it is no new fleet.
  const bool new_fleet = GetParam() == Where::kRedis;
  const auto place = NewPlace({.grace_ms = 900, .new_fleet = new_fleet});
  PlainMemory newcomer;
  const auto other = place->MakeLedger(loop_, directory_, "", &newcomer);
  other->SetEvents(this);
  other->SetOwner({.table = {8, 8}, .incarnation = 1, .nonce = 1});
  other->Start();
  EXPECT_TRUE(Until([&] { return other->ready(); })) << Told();
  EXPECT_EQ(newcomer.books, id);
}

TEST_P(BooksIdentityTest, AnIdIsMadeOnlyAfterTheGraceWhereOthersMayKnowOne) {
  const int64_t began_ns = clock_.MonotonicNanos();
  Greet(false);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << Told();
  EXPECT_GE(clock_.MonotonicNanos() - began_ns, kGraceMs * base::kNanosPerMilli);
}

TEST_P(BooksIdentityTest, WhoKnowsTheIdPutsItBackBeforeOthersMakeOne) {
  Greet(false);
  PlainMemory knows;
  knows.books = {7, 7};
  knows.number = 5;
  const auto other = place_->MakeLedger(loop_, directory_, "file:an earlier run", &knows);
  struct Quiet final : LedgerEvents {
    void OnClaimed(uint64_t, std::span<const ClaimReply>) override {}
    void OnRecorded(uint64_t, std::span<const RecordReply>) override {}
    void OnBatchFailed(uint64_t) override {}
    void OnTailLost() override { lost = true; }
    void OnLedgerState() override {}
    bool lost = false;
  } quiet;
  other->SetEvents(&quiet);
  other->SetOwner({.table = {9, 9}, .incarnation = 1, .nonce = 1});
  other->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready() && other->ready(); })) << Told();
  EXPECT_TRUE(quiet.lost);
  EXPECT_EQ(memory_.books, knows.books);
}

TEST_P(BooksIdentityTest, OtherBooksAreNotUsedAndAreLookedAtAgain) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  hands_->SwapBooks();
  ASSERT_TRUE(GreetedAs(BooksStanding::kOthers)) << Told();
  EXPECT_FALSE(ledger_->ready());
  EXPECT_NE(Told().find("are not those that this instance's payments are claimed in"),
            std::string::npos)
      << Told();
  EXPECT_FALSE(HasSummary());
  // The name leads to the right books again.
  hands_->PutBack();
  ASSERT_TRUE(GreetedAs(BooksStanding::kOurs)) << Told();
  EXPECT_TRUE(ledger_->ready());
  EXPECT_TRUE(HasSummary());
}

TEST_P(BooksIdentityTest, BooksRolledBackUnderTheSameRunClaimNothingAndAreToldAgain) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  hands_->Keep();
  ASSERT_EQ(Claim(owner_, {Request(1)})[0].verdict, ClaimVerdict::kYours);
  hands_->RollBack();
  const uint64_t era = EraOf(memory_.number);
  EXPECT_TRUE(Claim(owner_, {Request(2)}).empty()) << "claimed on books that have lost something";
  EXPECT_EQ(hands_->PendingClaims(), 1);
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << Told();
  EXPECT_TRUE(tail_lost_);
  EXPECT_FALSE(ledger_->can_claim()) << "before the grace";
  EXPECT_EQ(EraOf(memory_.number), era + 1);
  EXPECT_EQ(ledger_->standing(), BooksStanding::kOurs) << "what is lost, the table still holds";
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  EXPECT_EQ(Claim(owner_, {Request(2)})[0].verdict, ClaimVerdict::kYours);
}

TEST_P(BooksIdentityTest, AnIdleTableSeesTheLossByItsGreeting) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  hands_->Keep();
  const int64_t kept = NumberOnBooks();
  ASSERT_TRUE(Until([&] { return NumberOnBooks() != kept; })) << "it greets again by itself";
  hands_->RollBack();
  EXPECT_TRUE(Until([&] { return tail_lost_; }));
}

TEST_P(BooksIdentityTest, ALossBeyondWhatTheTableHoldsStopsSummariesUntilItIsAccepted) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  hands_->Keep();
  ASSERT_EQ(Claim(owner_, {Request(1)})[0].verdict, ClaimVerdict::kYours);
  memory_.forgotten = memory_.number;  // a slot that was recorded since is in use again
  hands_->RollBack();
  ASSERT_TRUE(GreetedAs(BooksStanding::kLossy)) << Told();
  EXPECT_TRUE(ledger_->ready()) << "what is held goes on";
  EXPECT_FALSE(Until([&] { return ledger_->can_claim(); }, 2 * kGraceMs));
  EXPECT_FALSE(HasSummary());
  const auto books = NewBooks();
  std::optional<int64_t> since;
  books->AcceptLoss([&](const auto& answer) { since = answer; });
  ASSERT_TRUE(Until([&] { return since.has_value(); }));
  EXPECT_GT(*since, 1'700'000'000);
  ASSERT_TRUE(GreetedAs(BooksStanding::kOurs));
  EXPECT_TRUE(HasSummary());
}

TEST_P(BooksIdentityTest, AllFlushedIsPutBackToldAgainAndHeldBack) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  const payments::Uuid id = memory_.books;
  hands_->Empty();
  ASSERT_TRUE(GreetedAs(BooksStanding::kLossy)) << Told();
  EXPECT_TRUE(tail_lost_);
  EXPECT_EQ(memory_.books, id);
}

TEST_P(BooksIdentityTest, AllFlushedIsTakenForAPurgeWherePurgingIsAllowed) {
  accept_loss_ = true;
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  hands_->Empty();
  ASSERT_TRUE(Until([&] { return tail_lost_; })) << Told();
  EXPECT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
  EXPECT_NE(Told().find("this is taken for a purge"), std::string::npos) << Told();
}

TEST_P(BooksIdentityTest, AnOlderCopyIsToldSoBeforeAnythingAndMayGoOnAsAnother) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  ledger_.reset();
  const PlainMemory newest = memory_;
  const Owner old{.table = owner_.table, .incarnation = owner_.incarnation - 1, .nonce = 3};
  next_owner_ =
      Owner{.table = {5, 5}, .incarnation = 1, .nonce = 9, .predecessors = {owner_.table}};
  ledger_ = place_->MakeLedger(loop_, directory_, "", &memory_);
  ledger_->SetEvents(this);
  ledger_->SetOwner(old);
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << Told();
  EXPECT_EQ(not_newest_, 1);
  EXPECT_FALSE(tail_lost_) << "another owner has told these books nothing, and lost nothing";
  EXPECT_EQ(memory_.books, newest.books);
}

TEST_P(BooksIdentityTest, WhatATableClaimedUnderAnEarlierIdIsInheritedPinned) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  ASSERT_EQ(Claim(owner_, {Request(1, 4)})[0].verdict, ClaimVerdict::kYours);
  ledger_.reset();
  memory_.number = 0;
  const Owner heir{.table = {5, 5}, .incarnation = 1, .nonce = 9, .predecessors = {owner_.table}};
  ledger_ = NewLedger(directory_, &memory_, heir);
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
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
TEST_P(BooksIdentityTest, AClaimThatKnowsOnlyTheBooksBeforeAPurgeClaimsNothing) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  const auto books = NewBooks(&memory_);
  uint64_t id = 0;
  for (bool refused = false; !refused; ++id) {
    ASSERT_LT(id, 5U) << "a greeting between the two tells of the purge, but not each time";
    ASSERT_TRUE(Purge(*books));
    refused = Claim(owner_, {Request(id + 1)}).empty();
  }
  EXPECT_EQ(hands_->PendingClaims(), static_cast<int64_t>(id) - 1);
  EXPECT_EQ(Claim(owner_, {Request(id)}).at(0).verdict, ClaimVerdict::kYours) << "asked again";
}

// The other processor is not configured here, so nothing is taken over for it.
TEST_P(BooksIdentityTest, AClaimSaysWhichProcessorItsNameMeant) {
  Use({});
  const Owner other{.table = {6, 6}, .incarnation = 1, .nonce = 4};
  const auto claim_elsewhere = [&](const std::vector<uint64_t>& here,
                                   const std::vector<uint64_t>& there, uint64_t id) {
    payments::ProcessorDirectory theirs({"fallback", "default"}, {{77}, there});
    PlainMemory memory;
    const auto holder = NewLedger(theirs, &memory, other);
    EXPECT_TRUE(Until([&] { return holder->can_claim(); })) << Told();
    ClaimRequest request = Request(id);
    request.processor = 1;
    holder->Claim(other, std::vector{request}, ++batch_);
    EXPECT_TRUE(Until([&] { return done_ == batch_; }));
    EXPECT_EQ(claimed_.at(0).verdict, ClaimVerdict::kYours);
    payments::ProcessorDirectory ours({"default", "fallback"}, {here, {78}});
    memory_.number = 0;
    ledger_ = NewLedger(ours, &memory_, owner_);
    EXPECT_TRUE(Until([&] { return ledger_->can_claim(); })) << Told();
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

TEST_P(BooksIdentityTest, SaysThatItIsGoneAndStaysSilent) {
  Greet();
  ASSERT_TRUE(Until([&] { return ledger_->can_claim(); }));
  bool said = false;
  ledger_->SayGone([&] { said = true; });
  ASSERT_TRUE(Until([&] { return said; }));
  EXPECT_LT(NumberOnBooks(), 0);
  EXPECT_FALSE(Until([&] { return NumberOnBooks() >= 0; }, 1'200));
}

TEST_P(BooksIdentityTest, AnOwnersNumberMovesWhileSomebodyWorksWithIt) {
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

TOLLGATE_IN_EACH_PLACE(BooksIdentityTest);

}  // namespace
}  // namespace tollgate::ledger

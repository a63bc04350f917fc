#include "reconcile/reconciler.h"

#include <gtest/gtest.h>

#include "tests/forward/ledger_model.h"
#include "tests/reconcile/fake_processors.h"

namespace tollgate::reconcile {
namespace {

using ledger::BookEntry;
using ledger::EntryState;

constexpr int64_t kDayMs = 86'400'000;

// The simulation's model of the books, behind the interfaces that reconciling reads and writes.
class ModelBooks final : public ledger::ClaimReader, public ledger::Books, public ledger::Ledger {
 public:
  ModelBooks(net::EventLoop& loop, const base::Clock& clock)
      : model(clock), loop_(loop), clock_(clock) {}

  std::optional<BookEntry> EntryOf(const payments::Uuid& id) const {
    if (const auto it = model.state().entries.find(id); it != model.state().entries.end()) {
      const auto& entry = it->second;
      return BookEntry{.state = entry.rejected ? EntryState::kRejected : EntryState::kBooked,
                       .amount_cents = entry.cents,
                       .processor = entry.processor,
                       .requested_at_ms = entry.requested_at_ms,
                       .reason = entry.reason,
                       .counted = !entry.rejected && entry.counted};
    }
    const auto it = model.state().pending.find(id);
    if (it == model.state().pending.end()) return std::nullopt;
    return BookEntry{.state = EntryState::kPending,
                     .amount_cents = it->second.cents,
                     .processor = it->second.processor,
                     .requested_at_ms = it->second.requested_at_ms,
                     .attempt = it->second.attempt,
                     .epoch = it->second.epoch};
  }

  void Read(const ledger::ClaimCursor& cursor, OnPage done) override {
    if (away) return done(std::nullopt);
    before_page();
    std::set<payments::Uuid> ids;
    for (const auto& [id, it] : model.state().pending) ids.insert(id);
    for (const auto& [id, it] : model.state().entries) ids.insert(id);
    ledger::ClaimPage page;
    page.epoch = epoch;
    page.run_id = run_id;
    page.now_ms = clock_.WallMillis() - behind_ms;
    page.known_from_ms = (page.now_ms / kDayMs - 1) * kDayMs;
    int64_t left = 5;
    auto it = ids.begin();
    std::advance(it, std::min<int64_t>(cursor.bucket, static_cast<int64_t>(ids.size())));
    for (; it != ids.end() && left > 0; ++it, --left) {
      for (int i = 0; i < times_told; ++i) page.claims.push_back({*it, *EntryOf(*it)});
    }
    if (it != ids.end()) page.next = {.bucket = cursor.bucket + 5 - left};
    loop_.Post([page, done] { done(page); });
  }
  void Find(const payments::Uuid& id, OnEntry done) override {
    if (away) return done(std::nullopt);
    loop_.Post([this, id, done] { done(EntryOf(id)); });
  }
  void GetSummary(const payments::SummaryRange&, OnSummary) override {}
  void Purge(OnPurged) override {}

  void SetEvents(ledger::LedgerEvents* events) override { events_ = events; }
  bool ready() const override { return !away; }
  void SetOwner(const ledger::Owner& /*owner*/) override {}
  ledger::BooksStanding standing() const override { return ledger::BooksStanding::kOurs; }
  bool can_claim() const override { return false; }
  void Claim(const ledger::Owner&, std::span<const ledger::ClaimRequest>, uint64_t) override {
    ADD_FAILURE() << "something was claimed";
  }
  void TakeOver(const ledger::Owner&, std::span<const ledger::TakeOverRequest>, uint64_t) override {
    ADD_FAILURE() << "something was taken over";
  }
  void Record(const ledger::Owner& owner, std::span<const ledger::RecordRequest> requests,
              uint64_t batch) override {
    ++records;
    loop_.Post([this, owner, batch, copy = std::vector(requests.begin(), requests.end())] {
      before_record();
      const auto replies = model.Record(owner, copy);
      if (fail_records > 0) {
        --fail_records;
        return events_->OnBatchFailed(batch);
      }
      events_->OnRecorded(batch, replies);
    });
  }

  simulation::LedgerModel model;
  int times_told = 1;  // how often each claim is listed: a bucket that grows may list one again
  std::string run_id = "first";
  uint32_t epoch = 0;
  int64_t behind_ms = 0;  // of Redis' clock
  bool away = false;
  size_t records = 0;
  int fail_records = 0;  // executed, and the reply is lost
  std::function<void()> before_page = [] {};
  std::function<void()> before_record = [] {};
  ledger::LedgerEvents* events_ = nullptr;

 private:
  net::EventLoop& loop_;
  const base::Clock& clock_;
};

class ReconcilerTest : public ::testing::Test {
 protected:
  const Reconciler& Run(ReconcilerOptions options = {}) {
    options.asker.processors = 2;
    options.asker.in_flight_max = 3;
    reconciler_ = std::make_unique<Reconciler>(Reconciler::Parts{.loop = loop_,
                                                                 .claims = books_,
                                                                 .books = books_,
                                                                 .ledger = &books_,
                                                                 .client = processors_},
                                               options);
    reconciler_->Start();
    for (int turn = 0; turn < 200'000 && !reconciler_->finished(); ++turn) {
      loop_.RunOnce(0);
      clock_.AdvanceMillis(1);
    }
    EXPECT_TRUE(reconciler_->finished());
    // Open calls of a failed run end before the next run begins.
    for (int turn = 0; turn < 200; ++turn) loop_.RunOnce(0);
    return *reconciler_;
  }
  // A claim of an age, and its state on the books.
  ledger::ClaimRequest Claim(uint64_t number, int64_t age_ms, payments::ProcessorId at = 0) {
    const ledger::ClaimRequest request{.payment = {.id = {number, 1}, .amount_cents = 100},
                                       .slot = 1,
                                       .generation = static_cast<uint32_t>(number),
                                       .attempt = 1,
                                       .processor = at,
                                       .requested_at_ms = clock_.WallMillis() - age_ms};
    books_.model.Claim(owner_, {request});
    return request;
  }
  void Book(const ledger::ClaimRequest& request) { books_.model.Record(owner_, {{request}}); }
  void Hold(payments::ProcessorId processor, const ledger::ClaimRequest& request) {
    processors_.held[processor][request.payment.id] = {request.payment.amount_cents,
                                                       request.requested_at_ms};
  }
  static std::string Found(const Reconciler& run) {
    std::string text;
    for (const Finding& finding : run.findings()) {
      for (const Difference& it : finding.differences) {
        text += std::string(text.empty() ? "" : ", ") + std::to_string(finding.subject.id.high) +
                " " + Name(it.kind) + (finding.repair == Repair::kDone ? " repaired" : "");
      }
    }
    return text;
  }

  base::ManualClock clock_;
  net::EventLoop loop_{clock_};
  testing::FakeProcessors processors_{loop_, 2};
  ModelBooks books_{loop_, clock_};
  const ledger::Owner owner_{.table = {1, 2}, .incarnation = 5, .nonce = 77};
  std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcilerTest, WhatIsYoungerThanTheLeastAgeByEitherClockIsLeftAlone) {
  Hold(0, Claim(1, 59'000));
  Hold(0, Claim(2, 65'000));
  EXPECT_EQ(Found(Run({.repair = true})), "2 books_lack repaired");
  EXPECT_EQ(books_.EntryOf({1, 1})->state, EntryState::kPending);
  // Redis' clock is slower: by it the payment is still younger.
  Hold(0, Claim(3, 65'000));
  books_.behind_ms = 10'000;
  EXPECT_EQ(Found(Run({.repair = true})), "");
  EXPECT_EQ(reconciler_->counts().out_of_range, 3U);
}

TEST_F(ReconcilerTest, AGatewayThatRecordsMeanwhileMakesNoDifference) {
  for (uint64_t i = 1; i <= 30; ++i) Hold(0, Claim(i, 100'000));
  // Each is recorded between the first look-up on the books and the processor's answer.
  processors_.before_answer = [this](const auto& question) {
    const auto entry = books_.EntryOf(question.id);
    if (entry->state != EntryState::kPending) return;
    Book({.payment = {.id = question.id, .amount_cents = 100},
          .slot = 1,
          .generation = static_cast<uint32_t>(question.id.high),
          .attempt = 1,
          .processor = 0,
          .requested_at_ms = entry->requested_at_ms});
  };
  EXPECT_EQ(Found(Run()), "");
  EXPECT_EQ(reconciler_->counts().booked, 30U);
  EXPECT_EQ(reconciler_->gaps(), Gaps{});
}

TEST_F(ReconcilerTest, ALostReplyIsRecordedAgainAndCountedOnce) {
  for (uint64_t i = 1; i <= 100; ++i) Hold(1, Claim(i, 100'000, 1));
  books_.fail_records = 3;
  Run({.repair = true});
  EXPECT_EQ(reconciler_->repaired(), 100U);
  EXPECT_EQ(reconciler_->gaps(), Gaps{});
  EXPECT_EQ(books_.model.state().entries.size(), 100U);
}

TEST_F(ReconcilerTest, WhatAnotherProcessorIsFoundToHaveBookedMeanwhileIsADoubleCharge) {
  const auto claim = Claim(1, 100'000);
  Hold(0, claim);
  books_.before_record = [&] {
    auto other = claim;
    other.processor = 1;
    Book(other);
  };
  EXPECT_EQ(Found(Run({.repair = true})), "1 books_lack, 1 held_twice");
  EXPECT_EQ(reconciler_->repaired(), 0U);
}

TEST_F(ReconcilerTest, WithoutRepairNothingIsWritten) {
  Hold(0, Claim(1, 100'000));
  EXPECT_EQ(Found(Run()), "1 books_lack");
  EXPECT_EQ(books_.records, 0U);
}

TEST_F(ReconcilerTest, WhatChangesUnderItEndsTheRun) {
  for (uint64_t i = 1; i <= 20; ++i) Hold(0, Claim(i, 100'000));
  int page = 0;
  books_.before_page = [&] {
    if (++page == 3) books_.run_id = "second";
  };
  EXPECT_NE(Run().error().find("the server of the books was started again"), std::string::npos);
  page = 0;
  books_.before_page = [&] {
    if (++page == 3) ++books_.epoch;
  };
  EXPECT_NE(Run().error().find("purged"), std::string::npos);
  books_.before_page = [] {};
  books_.away = true;
  EXPECT_NE(Run().error().find("REDIS_SOCKET"), std::string::npos);
  books_.away = false;
  EXPECT_EQ(Run().error(), "");
  EXPECT_NE(Run({.range = {.from_ms = clock_.WallMillis() - 1'000}}).error().find("empty"),
            std::string::npos);
}

TEST_F(ReconcilerTest, ARedisAwayForAMomentIsWaitedFor) {
  for (uint64_t i = 1; i <= 20; ++i) Hold(0, Claim(i, 100'000));
  int page = 0;
  int64_t back_ns = 0;
  books_.before_page = [&] {
    if (++page == 2) {
      books_.away = true;
      back_ns = clock_.MonotonicNanos() + 3 * base::kNanosPerSecond;
    }
  };
  net::Timer back(loop_, [&] { books_.away = false; });
  back.ArmIn(4 * base::kNanosPerSecond);
  Run({.repair = true});
  EXPECT_EQ(reconciler_->error(), "");
  EXPECT_EQ(reconciler_->repaired(), 20U);
  EXPECT_GE(clock_.MonotonicNanos(), back_ns);
}

TEST_F(ReconcilerTest, WhatIsToldTwiceIsFoundOnceAndAListedIdIsComparedOnce) {
  std::vector<payments::Uuid> ids;
  for (uint64_t i = 1; i <= 10; ++i) {
    Hold(0, Claim(i, 100'000));
    ids.push_back({i, 1});
  }
  Run({.ids = ids});
  EXPECT_EQ(reconciler_->counts().compared, 10U);
  EXPECT_EQ(reconciler_->findings().size(), 10U);
  books_.times_told = 3;
  Run();
  EXPECT_EQ(reconciler_->findings().size(), 10U);
  EXPECT_EQ(reconciler_->gaps()[0], (Gap{10, 1'000}));
  Run({.repair = true});
  EXPECT_EQ(reconciler_->repaired(), 10U);
  EXPECT_EQ(reconciler_->gaps(), Gaps{});
}

TEST_F(ReconcilerTest, NamedOnlyAsksOneProcessorAPayment) {
  for (uint64_t i = 1; i <= 20; ++i) {
    const auto claim = Claim(i, 100'000, i % 2 == 0 ? 0 : 1);
    Hold(claim.processor, claim);
    Book(claim);
  }
  EXPECT_EQ(Found(Run({.named_only = true})), "");
  EXPECT_EQ(processors_.asked, 20U);
  EXPECT_EQ(Found(Run()), "");
  EXPECT_EQ(processors_.asked, 60U);
}

// Random books, processors and requests: exactly what may be repaired is repaired, the gaps are the
// differences of the sums, and a second run has nothing left to repair.
TEST_F(ReconcilerTest, RandomBooksEndAsTheProcessorsHoldThem) {
  base::Random random(20261125);
  std::vector<payments::Uuid> ids;
  for (uint64_t i = 1; i <= 600; ++i) {
    auto claim =
        Claim(i, 1'000 + static_cast<int64_t>(random.Below(200'000)), random.OneIn(2) ? 1 : 0);
    if (random.OneIn(3)) {
      Book(claim);
    } else if (random.OneIn(4)) {
      books_.model.Record(
          owner_, {{.claim = claim, .booked = false, .reason = payments::RejectReason::kRefused}});
    }
    if (random.OneIn(10)) claim.payment.amount_cents += 5;
    if (random.OneIn(10)) claim.requested_at_ms -= 3;
    if (!random.OneIn(3)) Hold(random.OneIn(8) ? 1 - claim.processor : claim.processor, claim);
    if (random.OneIn(10)) Hold(0, claim);
  }
  for (uint64_t i = 1; i <= 600; i += 7) ids.push_back({i, 1});
  for (uint64_t i = 601; i <= 700; ++i) {  // the books do not know these
    ids.push_back({i, 1});
    for (payments::ProcessorId at = 0; at < 2; ++at) {
      if (random.OneIn(2)) {
        processors_.held[at][{i, 1}] = {
            7, clock_.WallMillis() - static_cast<int64_t>(random.Below(200'000))};
      }
    }
  }
  const auto before = books_.model.state();
  const payments::SummaryRange range{.from_ms = clock_.WallMillis() - 150'000};
  const Reconciler& run = Run({.range = range, .repair = true, .ids = ids});
  EXPECT_EQ(run.error(), "");
  EXPECT_GT(run.repaired(), 50U);
  // Entries change only as the findings say, and no other claim disappears.
  size_t changed = 0;
  for (const Finding& finding : run.findings()) {
    if (finding.repair != Repair::kDone) continue;
    ++changed;
    const auto entry = books_.EntryOf(finding.subject.id);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->state, EntryState::kBooked);
    const auto& held = processors_.held[entry->processor].at(finding.subject.id);
    EXPECT_EQ(entry->amount_cents, held.cents);
    EXPECT_EQ(entry->requested_at_ms, held.at);
  }
  EXPECT_EQ(changed, run.repaired());
  size_t differ = 0;
  for (const auto& [id, entry] : books_.model.state().entries) {
    const auto it = before.entries.find(id);
    differ += it == before.entries.end() || it->second.rejected != entry.rejected ? 1U : 0U;
  }
  EXPECT_EQ(differ, changed);
  // The gaps, counted in another way: everything held less everything booked. Payments that only
  // one side has in the range belong to the findings.
  Gaps expected{};
  std::set<payments::Uuid> all(ids.begin(), ids.end());
  for (uint64_t i = 1; i <= 600; ++i) all.insert({i, 1});
  for (const auto& id : all) {
    const auto entry = books_.EntryOf(id);
    const auto in = [&](int64_t ms) {
      return ms >= run.range().from_ms && ms <= run.range().to_ms;
    };
    if (entry && !in(entry->requested_at_ms) && before.entries.contains(id)) continue;
    if (before.pending.contains(id) && !in(before.pending.at(id).requested_at_ms)) continue;
    bool outside = false;
    for (const auto& held : processors_.held) {
      outside = outside || (!before.pending.contains(id) && !before.entries.contains(id) &&
                            held.contains(id) && !in(held.at(id).at));
    }
    if (outside) continue;
    for (size_t at = 0; at < 2; ++at) {
      const auto it = processors_.held[at].find(id);
      if (it == processors_.held[at].end() || !in(it->second.at)) continue;
      ++expected[at].count;
      expected[at].amount_cents += it->second.cents;
    }
    if (!entry || entry->state != EntryState::kBooked || !in(entry->requested_at_ms)) continue;
    --expected[entry->processor].count;
    expected[entry->processor].amount_cents -= entry->amount_cents;
  }
  EXPECT_EQ(run.gaps(), expected);

  const size_t records = books_.records;
  const Reconciler& second = Run({.range = range, .repair = true, .ids = ids});
  EXPECT_EQ(second.repaired(), 0U);
  EXPECT_EQ(books_.records, records);
}

}  // namespace
}  // namespace tollgate::reconcile

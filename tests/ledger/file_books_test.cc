// What only books in a file know: other programs, other boots, disks that fail, other processes.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "ledger/file/database.h"
#include "ledger/file/write_lock.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

class FileBooksTest : public PlaceTest {
 protected:
  std::string Path() const { return folder_ / "books.db"; }
  uint64_t Bytes(const std::string& ending = "") const {
    std::error_code error;
    const auto size = std::filesystem::file_size(Path() + ending, error);
    return error ? 0 : size;
  }
  void Sql(const std::string& text) {
    file::Database database;
    ASSERT_TRUE(database.Open(Path(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    ASSERT_TRUE(database.Run(text)) << database.problem();
  }
  // Makes a ledger that may never be ready.
  void Start(PlainMemory& memory, const std::string& known_run_id = "",
             const PlaceOptions& options = {.grace_ms = 300, .new_fleet = true}) {
    Use(options);
    ledger_ = place_->MakeLedger(loop_, directory_, known_run_id, &memory);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
  }
  bool IsTold(const std::string& words) {
    return Until([&] { return Told().find(words) != std::string::npos; });
  }
  bool CanClaim() {
    return Until([&] { return ledger_->can_claim(); });
  }
  static RecordRequest RecordOf(const payments::Uuid& id, int64_t at_ms) {
    RecordRequest record{.claim = Request(1)};
    record.claim.payment.id = id;
    record.claim.requested_at_ms = at_ms;
    return record;
  }
};

TEST_P(FileBooksTest, AFileOfAnotherProgramIsLeftAsItIs) {
  Sql("CREATE TABLE theirs(a); INSERT INTO theirs VALUES(1)");
  PlainMemory memory;
  Start(memory);
  EXPECT_TRUE(IsTold("has no books of Tollgate: move it away")) << Told();
  EXPECT_FALSE(ledger_->ready());
  std::filesystem::rename(Path(), folder_ / "theirs.db");
  EXPECT_TRUE(CanClaim()) << Told();
  EXPECT_TRUE(IsTold("are back")) << Told();
}

TEST_P(FileBooksTest, ALaterFormatIsLeftAsItIs) {
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  ledger_.reset();
  place_.reset();
  Sql("PRAGMA user_version = 2");
  Start(memory);
  EXPECT_TRUE(IsTold("has the books of a later version: start that one")) << Told();
}

TEST_P(FileBooksTest, ADamagedFileIsToldOfAndNothingIsSent) {
  std::ofstream(Path()) << std::string(20'000, 'x');
  PlainMemory memory;
  Start(memory);
  EXPECT_TRUE(IsTold("are damaged")) << Told();
  EXPECT_FALSE(ledger_->ready());
  EXPECT_EQ(Bytes(), 20'000U) << "it is kept for those who look";
}

TEST_P(FileBooksTest, AFileThatAnotherProgramLocksIsWaitedFor) {
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  {
    file::Database other;
    ASSERT_TRUE(other.Open(Path(), SQLITE_OPEN_READWRITE));
    ASSERT_TRUE(other.Run("BEGIN IMMEDIATE"));
    EXPECT_TRUE(Claim(owner_, {Request(1)}).empty());
    EXPECT_TRUE(IsTold("are locked by another program")) << Told();
  }
  ASSERT_TRUE(CanClaim()) << Told();
  EXPECT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  EXPECT_FALSE(tail_lost_) << "nothing was lost";
}

// The limit stands in for a disk that fails.
TEST_P(FileBooksTest, AFailedWriteLosesNothingAndIsTriedAgain) {
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  EXPECT_TRUE(Record(owner_, {{.claim = Request(1)}}).empty());
  EXPECT_FALSE(Until([&] { return ledger_->ready(); }, 200));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_TRUE(CanClaim()) << Told();
  EXPECT_NE(Told().find("cannot be read or written"), std::string::npos) << Told();
  EXPECT_EQ(Record(owner_, {{.claim = Request(1)}}).at(0).verdict, RecordVerdict::kDone);
  EXPECT_EQ(Total(*NewBooks()), 1);
}

// A power loss takes what was not synced, so a table tells all again.
TEST_P(FileBooksTest, AnotherBootOfTheKernelMayHaveLostTheTail) {
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  const std::string run = ledger_->run_id();
  EXPECT_TRUE(run.starts_with("file:")) << run;
  EXPECT_LE(run.size(), 40U) << "a table has room for so much";
  Start(memory, run);
  ASSERT_TRUE(CanClaim());
  EXPECT_FALSE(tail_lost_) << "the same boot";
  Start(memory, "file:0123456789abcdef:0");
  ASSERT_TRUE(Until([&] { return ledger_->ready(); }));
  EXPECT_TRUE(tail_lost_);
  EXPECT_FALSE(ledger_->can_claim()) << "before the grace";
  EXPECT_TRUE(CanClaim());
}

TEST_P(FileBooksTest, ATableThatWasToldToARedisBeginsNoFile) {
  PlainMemory memory;
  memory.books = {5, 5};
  memory.number = 9;
  Start(memory, "0123456789abcdef:0123456789abcdef:0");
  ASSERT_TRUE(Until([&] { return ledger_->standing() == BooksStanding::kStrangers; })) << Told();
  EXPECT_TRUE(IsTold("Set REDIS_SOCKET or REDIS_URL where its books are in Redis")) << Told();
  EXPECT_FALSE(ledger_->ready());
  ledger_.reset();
  // Its own file may have been lost: that is a lost tail.
  Start(memory, "file:0123456789abcdef:0");
  ASSERT_TRUE(Until([&] { return ledger_->standing() == BooksStanding::kLossy; })) << Told();
}

TEST_P(FileBooksTest, AnOlderFileInItsPlaceIsNoticed) {
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  ledger_.reset();
  place_.reset();
  std::filesystem::copy_file(Path(), folder_ / "kept.db");
  Start(memory);
  ASSERT_TRUE(CanClaim());
  ASSERT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  for (const char* ending : {"-wal", "-shm"}) std::filesystem::remove(Path() + ending);
  std::filesystem::rename(folder_ / "kept.db", Path());
  EXPECT_TRUE(Until([&] { return tail_lost_; })) << Told();
  ASSERT_TRUE(CanClaim());
  EXPECT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
}

TEST_P(FileBooksTest, ACallThatIsNotAnsweredInTimeFailsAndIsRepeated) {
  PlainMemory memory;
  Start(memory, "", {.grace_ms = 300, .timeout_ms = 300, .new_fleet = true});
  ASSERT_TRUE(CanClaim());
  file::WriteLock lock;
  ASSERT_TRUE(lock.Open(Path() + ".lock").ok());
  ASSERT_TRUE(lock.Acquire(5'000, [] { return false; }));
  EXPECT_TRUE(Claim(owner_, {Request(1)}).empty());
  EXPECT_FALSE(ledger_->ready());
  lock.Release();
  ASSERT_TRUE(CanClaim()) << Told();
  EXPECT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
  EXPECT_FALSE(tail_lost_);
}

// Each place has its own threads, connections and locks, as a process has.
TEST_P(FileBooksTest, TwoProcessesTakeTurnsAndCountEachPaymentOnce) {
  Use({.new_fleet = true});
  const auto other_place = NewPlace({.new_fleet = true});
  PlainMemory memory, other_memory;
  ledger_ = NewLedger(directory_, &memory, owner_);
  const auto other = other_place->MakeLedger(loop_, directory_, "", &other_memory);
  const Owner other_owner{.table = {9, 9}, .incarnation = 1, .nonce = 1};
  struct Waits final : LedgerEvents {
    void OnClaimed(uint64_t, std::span<const ClaimReply>) override {}
    void OnRecorded(uint64_t, std::span<const RecordReply> replies) override {
      recorded += replies.size();
    }
    void OnBatchFailed(uint64_t) override { ADD_FAILURE(); }
    void OnTailLost() override { ADD_FAILURE(); }
    void OnLedgerState() override {}
    size_t recorded = 0;
  } mine, theirs;
  ledger_->SetEvents(&mine);
  other->SetEvents(&theirs);
  other->SetOwner(other_owner);
  other->Start();
  ASSERT_TRUE(Until([&] { return other->can_claim() && ledger_->can_claim(); })) << Told();
  constexpr uint64_t kBatches = 40;
  constexpr uint64_t kEach = 200;
  for (uint64_t i = 0; i < kBatches; ++i) {
    std::vector<RecordRequest> records;
    for (uint64_t k = 0; k < kEach; ++k) {
      records.push_back(RecordOf({i * kEach + k, 1}, 1'752'583'000'000 + static_cast<int64_t>(i)));
    }
    ledger_->Record(owner_, records, 2 * i + 1);
    other->Record(other_owner, records, 2 * i + 2);
  }
  ASSERT_TRUE(Until(
      [&] { return mine.recorded == kBatches * kEach && theirs.recorded == kBatches * kEach; }));
  EXPECT_EQ(Total(*NewBooks()), static_cast<int64_t>(kBatches * kEach));
}

// TOLLGATE_PAYMENTS=1000000 measures what a payment costs, with batches of 256. Ids are random, or
// with TOLLGATE_IDS_BY_CLOCK=1 rising; two payments have one millisecond, or with
// TOLLGATE_ONE_A_SECOND=1 each its own second.
TEST_P(FileBooksTest, APaymentTakesFewBytesAndTheWriteAheadFileStaysShort) {
  const char* const wanted = std::getenv("TOLLGATE_PAYMENTS");
  const uint64_t count = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'480;
  const bool counting = std::getenv("TOLLGATE_IDS_BY_CLOCK") != nullptr;
  const bool slow = std::getenv("TOLLGATE_ONE_A_SECOND") != nullptr;
  PlainMemory memory;
  Start(memory);
  ASSERT_TRUE(CanClaim());
  base::Random random(7);
  uint64_t longest_log = 0;
  const auto cpu = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  };
  double spent = 0;
  for (uint64_t i = 0; i < count;) {
    std::vector<ClaimRequest> claims;
    std::vector<RecordRequest> records;
    for (size_t k = 0; k < payments::kLedgerBatchMax && i < count; ++k, ++i) {
      const payments::Uuid id{counting ? i : random.Next(), random.Next()};
      const uint64_t later_ms = slow ? i * 1'000 : i / 2;
      records.push_back(RecordOf(id, 1'752'583'000'000 + static_cast<int64_t>(later_ms)));
      records.back().claim.payment.amount_cents = 100 + static_cast<int64_t>(i % 90'000);
      claims.push_back(records.back().claim);
    }
    if (i > count - count / 10) spent -= cpu();
    ASSERT_EQ(Claim(owner_, claims).size(), claims.size()) << Told();
    ASSERT_EQ(Record(owner_, records).size(), records.size()) << Told();
    if (i > count - count / 10) spent += cpu();
    longest_log = std::max(longest_log, Bytes("-wal"));
  }
  ledger_.reset();
  place_.reset();
  const double each = static_cast<double>(Bytes()) / static_cast<double>(count);
  std::printf(
      "    %.1f bytes a payment, %.1f us of CPU for the last tenth, log of %.1f MB at most\n", each,
      spent * 1e7 / static_cast<double>(count), static_cast<double>(longest_log) / 1e6);
  EXPECT_LE(each, slow ? 100 : 60);
  EXPECT_LE(longest_log, 32'000'000U);
}

INSTANTIATE_TEST_SUITE_P(Books, FileBooksTest, ::testing::Values(Where::kFile),
                         [](const auto& instance) { return NameOf(instance.param); });

}  // namespace
}  // namespace tollgate::ledger

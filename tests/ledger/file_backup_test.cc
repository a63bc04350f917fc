// Backups of books in a file: taken while they are written, and what a table does when it meets an
// older one in their place.
#include "tollgate/ledger/file_backup.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ledger/file/database.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

class FileBackupTest : public PlaceTest {
 protected:
  std::string Path() const { return folder_ / "books.db"; }
  std::string Backup() const { return folder_ / "backup.db"; }
  void Start(const std::string& known_run_id = "") {
    Use({.grace_ms = 300, .new_fleet = true});
    ledger_ = place_->MakeLedger(loop_, directory_, known_run_id, &memory_);
    ledger_->SetEvents(this);
    ledger_->SetOwner(owner_);
    ledger_->Start();
  }
  bool CanClaim() {
    return Until([&] { return ledger_->can_claim(); });
  }
  void Stop() {
    ledger_.reset();
    place_.reset();
  }
  void Restore() {
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(Path() + ending);
    std::filesystem::copy_file(Backup(), Path());
  }
  // A part of the books as it is now, and again in its place.
  void Keep(const std::string& ending) {
    std::filesystem::copy_file(Path() + ending, folder_ / ("kept" + ending));
  }
  void PutBack(const std::string& ending) {
    std::filesystem::copy_file(folder_ / ("kept" + ending), Path() + ending);
  }
  void Book(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last; ++i) {
      Claim(owner_, {Request(i)});
      ASSERT_EQ(Record(owner_, {{.claim = Request(i)}}).size(), 1U);
    }
  }
  BackupFacts Take() {
    const auto facts = BackUp(Path(), Backup(), [](double) {});
    EXPECT_TRUE(facts.ok()) << (facts.ok() ? "" : facts.error().message);
    return facts.ok() ? facts.value() : BackupFacts{};
  }
  std::string Refusal(const std::string& books, const std::string& target) {
    const auto facts = BackUp(books, target, [](double) {});
    EXPECT_FALSE(facts.ok());
    return facts.ok() ? "" : facts.error().message;
  }
  size_t FilesBeside(const std::string& name) const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      count += entry.path().filename().string().starts_with(name) ? 1U : 0U;
    }
    return count;
  }

  PlainMemory memory_;
};

TEST_P(FileBackupTest, ItIsOneFileOfItsOwnWithTheBooksOfOneMoment) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 20);
  Claim(owner_, {Request(30)});
  const BackupFacts facts = Take();
  EXPECT_EQ(facts.counted, 20);
  EXPECT_EQ(facts.pending, 1);
  EXPECT_EQ(facts.bytes, std::filesystem::file_size(Backup()));
  EXPECT_EQ(FilesBeside("backup.db"), 1U);
  file::Database copy;
  ASSERT_TRUE(copy.Open(Backup(), SQLITE_OPEN_READONLY));
  EXPECT_EQ(copy.Number("SELECT count(*) FROM booked_0_1", 0), 20);
  std::string mode;
  file::Statement(copy, "PRAGMA journal_mode").First([&](const file::Row& row) {
    mode = row.Text(0);
  });
  EXPECT_EQ(mode, "delete") << "so that it needs no file beside it";
  EXPECT_EQ(std::filesystem::status(Backup()).permissions(), std::filesystem::perms(0600));
}

// Each payment has its claim, its place and its sums in one transaction, so a backup between two of
// them would not add up.
TEST_P(FileBackupTest, ItAddsUpWhileOthersWrite) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 100);
  std::atomic<bool> done = false;
  std::vector<BackupFacts> taken;
  std::thread backups([&] {
    for (int i = 0; i < 10 || (taken.back().counted == taken.front().counted && i < 500); ++i) {
      taken.push_back(Take());
      file::Database copy;
      EXPECT_TRUE(copy.Open(Backup(), SQLITE_OPEN_READONLY));
      EXPECT_EQ(copy.Number("SELECT count(*) FROM booked_0_1", 0), taken.back().counted);
      EXPECT_EQ(copy.Number("SELECT sum(count) FROM sums_0 WHERE key < 1 << 56", 0),
                taken.back().counted);
      copy.Close();
      std::filesystem::remove(Backup());
    }
    done = true;
  });
  uint64_t next = 101;
  while (!done) {
    Book(next, next + 4);
    next += 5;
  }
  backups.join();
  EXPECT_GT(taken.back().counted, taken.front().counted) << "and they were not held up";
}

// The table's number on the restored books is lower than the table has confirmed.
TEST_P(FileBackupTest, AnOlderBackupInTheirPlaceIsNoticedByTheNumber) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 5);
  Take();
  Book(6, 8);
  const std::string run = ledger_->run_id();
  const uint64_t number = memory_.number;
  const payments::Uuid books = memory_.books;
  Stop();
  Restore();
  Start(run);
  EXPECT_TRUE(Until([&] { return tail_lost_; })) << Told();
  EXPECT_GT(EraOf(memory_.number), EraOf(number)) << "a new era";
  EXPECT_EQ(memory_.books, books);
  ASSERT_TRUE(CanClaim()) << "the table still holds what is missing";
  EXPECT_EQ(ledger_->standing(), BooksStanding::kOurs);
  EXPECT_EQ(Total(*NewBooks(&memory_)), 5);
}

TEST_P(FileBackupTest, ABackupThatLacksWhatNoTableHoldsMakesTheBooksLossy) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 5);
  Take();
  Book(6, 8);
  memory_.forgotten = memory_.number;
  const std::string run = ledger_->run_id();
  Stop();
  Restore();
  Start(run);
  EXPECT_TRUE(Until([&] { return ledger_->standing() == BooksStanding::kLossy; })) << Told();
  EXPECT_FALSE(ledger_->can_claim());
  EXPECT_EQ(Total(*NewBooks(&memory_)), -1) << "no summary of lossy books";
}

// As if somebody restored it and did not stop the gateway.
TEST_P(FileBackupTest, AnOlderBackupUnderARunningGatewayIsNoticedToo) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 5);
  Take();
  Book(6, 8);
  std::filesystem::rename(Path(), folder_ / "moved.db");
  for (const char* ending : {"-wal", "-shm"}) std::filesystem::remove(Path() + ending);
  std::filesystem::copy_file(Backup(), Path());
  EXPECT_TRUE(Until([&] { return tail_lost_; })) << Told();
  EXPECT_NE(Told().find("are another file now"), std::string::npos) << Told();
  ASSERT_TRUE(CanClaim()) << Told();
}

// As after kill -9: the write-ahead file is as it was, and SQLite would write it over the backup.
TEST_P(FileBackupTest, ABackupBesideTheFormerWriteAheadFileIsRefused) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 20);
  Stop();  // a checkpoint
  Start();
  ASSERT_TRUE(CanClaim());
  ASSERT_EQ(Take().counted, 20U);
  Book(21, 40);
  Stop();  // what was booked is in the database now
  Start();
  ASSERT_TRUE(CanClaim());
  Book(41, 60);
  Keep("");
  Keep("-wal");
  Keep(".lock");
  Stop();
  for (const char* ending : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(Path() + ending);
  std::filesystem::copy_file(Backup(), Path());
  PutBack("-wal");
  PutBack(".lock");
  Start();
  EXPECT_TRUE(Until([&] {
    return Told().find("move the files with -wal and -shm") != std::string::npos;
  })) << Told();
  EXPECT_FALSE(ledger_->ready());
  const auto books = place_->MakeBooks(loop_, directory_, nullptr, {.timeout_ms = 500});
  books->Start();
  EXPECT_EQ(Total(*books), -1) << "nothing is read from such a file";
  EXPECT_NE(Refusal(Path(), folder_ / "other.db").find("move the files"), std::string::npos);
  // The former file is put back.
  std::filesystem::remove(Path());
  PutBack("");
  ASSERT_TRUE(CanClaim()) << Told();
  EXPECT_FALSE(tail_lost_);
  const auto again = NewBooks();
  EXPECT_EQ(Total(*again), 60);
}

// Nobody's table knows what the backup lacks, so a new table waits for the others to tell.
TEST_P(FileBackupTest, AnOlderFileInTheirPlaceIsAnotherRunAndNeedsTheGrace) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 20);
  ASSERT_EQ(Take().counted, 20U);
  Book(21, 40);
  Stop();
  Start();
  ASSERT_TRUE(CanClaim());
  const std::string run = ledger_->run_id();
  Stop();
  Restore();
  memory_ = {};
  Use({.grace_ms = 1'500});
  ledger_ = place_->MakeLedger(loop_, directory_, "", &memory_);
  ledger_->SetEvents(this);
  ledger_->SetOwner({.table = {8, 8}, .incarnation = 1, .nonce = 1});
  ledger_->Start();
  ASSERT_TRUE(Until([&] { return ledger_->ready(); })) << Told();
  EXPECT_FALSE(ledger_->can_claim()) << "at once";
  EXPECT_NE(ledger_->run_id(), run);
  EXPECT_TRUE(CanClaim());
}

TEST_P(FileBackupTest, WhatCannotBeBackedUpIsSaidAndLeavesNothing) {
  Start();
  ASSERT_TRUE(CanClaim());
  Book(1, 50);
  EXPECT_NE(Refusal(folder_ / "none.db", Backup()).find("cannot be opened"), std::string::npos);
  EXPECT_NE(Refusal(Path(), folder_ / "no/such/folder.db").find("cannot be made"),
            std::string::npos);
  std::ofstream(Backup()) << "precious";
  EXPECT_NE(Refusal(Path(), Backup()).find("exists already"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(Backup()), 8U);
  std::filesystem::remove(Backup());
  // A limit on the size of files stands in for a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 16'384;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string told = Refusal(Path(), Backup());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_NE(told.find("cannot be written"), std::string::npos) << told;
  EXPECT_EQ(FilesBeside("backup.db"), 0U) << "no part of one is left";
}

INSTANTIATE_TEST_SUITE_P(Books, FileBackupTest, ::testing::Values(Where::kFile),
                         [](const auto& instance) { return NameOf(instance.param); });

}  // namespace
}  // namespace tollgate::ledger

// Books in a file whose disk fails a sync: what may be lost with it is told again by all tables.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "ledger/file/writer.h"
#include "tests/forward/plain_memory.h"
#include "tests/ledger/place_fixture.h"
#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

using simulation::PlainMemory;

// The default VFS, whose syncs can be made to fail.
class SyncFaults {
 public:
  static SyncFaults& Get() {
    static SyncFaults faults;
    return faults;
  }
  // How many of the next syncs of the write-ahead file and of the database fail.
  void FailNext(int wal, int main) {
    wal_left_ = wal;
    main_left_ = main;
  }
  int64_t wal_syncs() const { return wal_syncs_; }
  int left() const { return wal_left_ + main_left_; }

 private:
  SyncFaults() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    vfs_.zName = "sync-faults";
    vfs_.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
      SyncFaults& faults = Get();
      const int code = faults.real_->xOpen(faults.real_, name, file, flags, out);
      const bool is_wal = (flags & SQLITE_OPEN_WAL) != 0;
      if (code != SQLITE_OK || (!is_wal && (flags & SQLITE_OPEN_MAIN_DB) == 0)) return code;
      sqlite3_io_methods& methods = is_wal ? faults.wal_ : faults.main_;
      if (methods.xSync == nullptr) {
        faults.real_sync_ = file->pMethods->xSync;
        methods = *file->pMethods;
        methods.xSync = is_wal ? Sync<SQLITE_OPEN_WAL> : Sync<SQLITE_OPEN_MAIN_DB>;
      }
      file->pMethods = &methods;
      return code;
    };
    sqlite3_vfs_register(&vfs_, 1);
  }
  template <int kind>
  static int Sync(sqlite3_file* file, int flags) {
    SyncFaults& faults = Get();
    std::atomic<int>& left = kind == SQLITE_OPEN_WAL ? faults.wal_left_ : faults.main_left_;
    if (left > 0) {
      --left;
      return SQLITE_IOERR_FSYNC;
    }
    if (kind == SQLITE_OPEN_WAL) ++faults.wal_syncs_;
    return faults.real_sync_.load()(file, flags);
  }

  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  sqlite3_io_methods wal_{}, main_{};
  std::atomic<int (*)(sqlite3_file*, int)> real_sync_ = nullptr;
  std::atomic<int64_t> wal_syncs_ = 0;
  std::atomic<int> wal_left_ = 0, main_left_ = 0;
};

// A writer alone, without threads.
class WriterSyncTest : public ::testing::Test {
 protected:
  // The syncs of the write-ahead file in one transaction; negative: it failed.
  int64_t Syncs(const std::function<void(file::BookFile& file)>& run) {
    const int64_t before = faults_.wal_syncs();
    const file::Change change{.run = run, .done = [](bool) {}};
    return writer_.Execute({&change, 1}) ? faults_.wal_syncs() - before : -1;
  }
  static void ChangeLittle(file::BookFile& file) {
    file.PutOwner({4, 4}, {.incarnation = ++little_});
  }
  static FileOptions OptionsFor(const std::string& path) {
    FileOptions options;
    options.path = path;
    return options;
  }

  static inline uint64_t little_ = 0;
  SyncFaults& faults_ = SyncFaults::Get();
  testing::TemporaryFolder folder_;
  file::Writer writer_{OptionsFor(folder_ / "books.db"), [] { return false; }};
};

TEST_F(WriterSyncTest, ACommitThatFailedIsNoneOnTheDisk) {
  const payments::Uuid id{5, 5};
  EXPECT_GE(Syncs([&](file::BookFile& file) { file.SetBooks(id, ""); }), 1);
  EXPECT_EQ(Syncs(ChangeLittle), 0) << "within the second";
  std::this_thread::sleep_for(std::chrono::milliseconds(1'050));
  EXPECT_EQ(Syncs([](file::BookFile& file) { file.database().NoteError(SQLITE_FULL); }), -1);
  EXPECT_EQ(Syncs(ChangeLittle), 1) << "the second is over";
}

TEST_F(WriterSyncTest, TheIdOfTheBooksIsOnTheDiskBeforeATableKeepsIt) {
  EXPECT_GE(Syncs(ChangeLittle), 0);
  const payments::Uuid id{5, 5};
  EXPECT_EQ(Syncs([&](file::BookFile& file) { file.SetBooks(id, ""); }), 1);
  EXPECT_EQ(Syncs(ChangeLittle), 0) << "within the second";
}

// A reader keeps a checkpoint from its end, so the next one is put off.
TEST_F(WriterSyncTest, AFileThatIsOpenedAgainIsCheckpointedAsEver) {
  EXPECT_GE(Syncs(ChangeLittle), 0);
  file::Database reader;
  ASSERT_TRUE(reader.Open(folder_ / "books.db", SQLITE_OPEN_READWRITE));
  sqlite3_db_config(reader.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  reader.Run("BEGIN");
  ASSERT_EQ(reader.Number("SELECT count(*) FROM owners", 0), 1);
  EXPECT_GE(Syncs([](file::BookFile& file) {
              file.database().Run("CREATE TABLE big AS SELECT zeroblob(20000000) AS content");
            }),
            0);
  const auto bytes = [&] { return std::filesystem::file_size(folder_ / "books.db"); };
  EXPECT_LT(bytes(), 10'000'000U);
  EXPECT_EQ(Syncs([](file::BookFile& file) { file.database().NoteError(SQLITE_IOERR); }), -1);
  reader.Close();
  EXPECT_GE(Syncs(ChangeLittle), 0);
  EXPECT_GE(bytes(), 20'000'000U);
}

// A ledger beside the test's own.
struct Neighbour final : LedgerEvents {
  void OnClaimed(uint64_t, std::span<const ClaimReply>) override {}
  void OnRecorded(uint64_t, std::span<const RecordReply>) override {}
  void OnBatchFailed(uint64_t) override {}
  void OnTailLost() override { tail_lost = true; }
  void OnLedgerState() override {}

  void Join(BooksPlace& place, net::EventLoop& loop, payments::ProcessorDirectory& directory) {
    ledger = place.MakeLedger(loop, directory, "", &memory);
    ledger->SetEvents(this);
    ledger->SetOwner(owner);
    ledger->Start();
  }

  Owner owner;
  PlainMemory memory;
  std::unique_ptr<TableLedger> ledger;
  bool tail_lost = false;
};

class FileSyncTest : public PlaceTest {
 protected:
  void SetUp() override {
    faults_.FailNext(0, 0);
    Use(kOptions);
    other_place_ = NewPlace(kOptions);
    beside_.owner = {.table = {3, 3}, .incarnation = 1, .nonce = 1};
    remote_.owner = {.table = {9, 9}, .incarnation = 1, .nonce = 1};
    ledger_ = NewLedger(directory_, &memory_, owner_);
    beside_.Join(*place_, loop_, directory_);
    remote_.Join(*other_place_, loop_, directory_);
    ASSERT_TRUE(AllCanClaim()) << Told();
    ASSERT_FALSE(AnyLostTail());
  }
  bool AllCanClaim() {
    return Until([&] {
      return ledger_->can_claim() && beside_.ledger->can_claim() && remote_.ledger->can_claim();
    });
  }
  bool AnyLostTail() const { return tail_lost_ || beside_.tail_lost || remote_.tail_lost; }
  bool AllLoseTail() {
    return Until([&] { return tail_lost_ && beside_.tail_lost && remote_.tail_lost; }, 5'000);
  }
  std::vector<RecordReply> RecordMany(uint64_t first) {
    std::vector<RecordRequest> records;
    for (uint64_t k = 0; k < payments::kLedgerBatchMax; ++k) {
      records.push_back({.claim = Request(1)});
      records.back().claim.payment.id = {random_.Next(), first + k};
    }
    return Record(owner_, records);
  }

  static constexpr PlaceOptions kOptions{.grace_ms = 200, .new_fleet = true};
  SyncFaults& faults_ = SyncFaults::Get();
  base::Random random_{7};
  PlainMemory memory_;
  std::unique_ptr<BooksPlace> other_place_;
  Neighbour beside_, remote_;
};

// Only the writer whose commit failed drops its calls: the others must hear of it too.
TEST_P(FileSyncTest, AFailedSyncOfACommitIsHeardByAllTables) {
  faults_.FailNext(1, 0);
  EXPECT_TRUE(AllLoseTail()) << tail_lost_ << beside_.tail_lost << remote_.tail_lost << Told();
  ASSERT_TRUE(AllCanClaim()) << Told();
  EXPECT_EQ(Claim(owner_, {Request(1)}).at(0).verdict, ClaimVerdict::kYours);
}

// The commit before it succeeds, so no call fails by it.
TEST_P(FileSyncTest, AFailedSyncOfACheckpointIsHeardByAllTables) {
  faults_.FailNext(0, 1);
  for (uint64_t i = 0; i < 400 && faults_.left() > 0; ++i) {
    RecordMany(i << 16U);
  }
  ASSERT_EQ(faults_.left(), 0) << "there was no checkpoint";
  EXPECT_TRUE(AllLoseTail()) << tail_lost_ << beside_.tail_lost << remote_.tail_lost << Told();
  EXPECT_TRUE(AllCanClaim()) << Told();
}

// What stands behind a hole in the write-ahead file would be lost with it.
TEST_P(FileSyncTest, NothingIsConfirmedBeforeTheBooksAreWholeAgain) {
  ASSERT_FALSE(RecordMany(0).empty());
  faults_.FailNext(1, 1'000'000);
  const auto none_ready = [&] {
    return !ledger_->ready() && !beside_.ledger->ready() && !remote_.ledger->ready();
  };
  EXPECT_TRUE(Until(none_ready, 5'000));
  EXPECT_FALSE(Until([&] { return !none_ready(); }, 1'500)) << "the database is not synced";
  faults_.FailNext(0, 0);
  EXPECT_TRUE(AllLoseTail()) << Told();
  ASSERT_TRUE(AllCanClaim()) << Told();
}

INSTANTIATE_TEST_SUITE_P(Books, FileSyncTest, ::testing::Values(Where::kFile),
                         [](const auto& instance) { return NameOf(instance.param); });

}  // namespace
}  // namespace tollgate::ledger

#include "ledger/file/writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "ledger/file/run_name.h"
#include "ledger/file/schema.h"
#include "ledger/file/sweep.h"
#include "ledger/file/trouble.h"

namespace tollgate::ledger::file {
namespace {

constexpr int64_t kLockPatienceMs = 5'000;
constexpr base::BackoffRange kWaits{.min_ms = 20, .max_ms = 1'000};
// Pages in the write-ahead file from which a checkpoint is made: when no change waits, and at once.
constexpr int kQuietPages = 1'000;
constexpr int kForcedPages = 4'000;
constexpr int64_t kSyncIntervalNs = base::kNanosPerSecond;
constexpr int64_t kSweepIntervalNs = 20 * base::kNanosPerMilli;

}  // namespace

Writer::Writer(const FileOptions& options, std::function<bool()> stopped)
    : options_(options),
      stopped_(std::move(stopped)),
      boot_(RunName()),
      checkpoint_pages_(kForcedPages),
      random_(std::random_device()()) {}

bool Writer::Execute(std::span<const Change> changes) {
  const bool done = Prepare() && Transact(changes);
  if (!done && database_.is_open() && sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  if (!done) {
    OnFailure();
  } else {
    if (!said_.empty()) {
      said_.clear();
      if (options_.report) options_.report(false, "the books in " + options_.path + " are back");
    }
    failures_.Reset();
    if (pages_ >= checkpoint_pages_) Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  }
  lock_.Release();
  return done;
}

// Takes the lock and opens the file.
bool Writer::Prepare() {
  database_.ClearError();
  const base::Status locked = lock_.Open(options_.path + ".lock");
  if (!locked.ok()) {
    Say(locked.error().message + ". Payments are kept and nothing is sent meanwhile");
    return false;
  }
  if (!lock_.Acquire(kLockPatienceMs, stopped_)) {
    Say("another gateway has kept the books in " + options_.path + " locked for " +
        std::to_string(kLockPatienceMs / 1'000) +
        " s: if it is stopped, let it go on or end it. Payments are kept and nothing is sent "
        "meanwhile");
    return false;
  }
  if (database_.is_open() && WasSwapped()) {
    Say("the books in " + options_.path + " are another file now; it is opened");
    Close();
  }
  return database_.is_open() || Open();
}

bool Writer::WasSwapped() const {
  struct stat info {};
  return ::stat(options_.path.c_str(), &info) != 0 || info.st_ino != inode_;
}

// SQLite would make it readable for all users. Nothing of SQLite is open on it here: closing a
// descriptor of a file drops SQLite's locks.
bool Writer::MakeFile() {
  struct stat info {};
  if (::lstat(options_.path.c_str(), &info) != 0) {
    constexpr mode_t kOwnUserOnly = 0600;
    const base::UniqueFd fd(
        ::open(options_.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnUserOnly));
    if (!fd.valid() && errno != EEXIST) {
      Say(base::ErrnoError("the books cannot be made in " + options_.path).message +
          ". Payments are kept and nothing is sent meanwhile");
      return false;
    }
    if (::lstat(options_.path.c_str(), &info) != 0) return false;
  }
  if (!S_ISREG(info.st_mode)) {
    Say("the books in " + options_.path +
        " are no regular file: move it away. Payments are kept and nothing is sent meanwhile");
    return false;
  }
  inode_ = info.st_ino;
  return true;
}

bool Writer::Open() {
  if (!MakeFile()) return false;
  if (OpenDatabase()) return true;
  if (database_.failed()) Say(AboutTrouble(options_.path, database_));
  Close();
  return false;
}

bool Writer::OpenDatabase() {
  if (!database_.Open(options_.path, SQLITE_OPEN_READWRITE)) return false;
  const Fit fit = FitOf(lock_.Note(), database_, options_.path);
  if (fit == Fit::kMixed) {
    Say(AboutMixed(options_.path) + ". Payments are kept and nothing is sent meanwhile");
    return false;
  }
  replaced_ = fit == Fit::kReplaced;
  sqlite3_busy_timeout(database_.handle(), 100);
  sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const FileKind kind = KindOf(database_);
  if (database_.failed()) return false;
  if (kind == FileKind::kForeign || kind == FileKind::kNewer) {
    Say("the file " + options_.path +
        (kind == FileKind::kNewer ? " has the books of a later version: start that one"
                                  : " has no books of Tollgate: move it away") +
        ". Payments are kept and nothing is sent meanwhile");
    return false;
  }
  database_.Run("PRAGMA journal_mode = WAL");
  database_.Run("PRAGMA cache_size = -16000");
  database_.Run("PRAGMA journal_size_limit = 33554432");
  sqlite3_wal_autocheckpoint(database_.handle(), 0);
  sqlite3_wal_hook(
      database_.handle(),
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      &pages_);
  database_.Run("PRAGMA synchronous = FULL");
  synced_ = true;
  if (kind == FileKind::kEmpty) {
    database_.Run("BEGIN IMMEDIATE");
    MakeTables(database_);
    database_.Run("COMMIT");
  }
  if (!replaced_) NoteStamp();
  file_.Forget();
  next_sweep_ns_ = 0;
  return !database_.failed();
}

bool Writer::Transact(std::span<const Change> changes) {
  const bool lost = sync_failed_ || replaced_ || lock_.Note().sync_failed;
  if (lost && !BeginAnew()) return false;
  // An id that tables keep, and a power loss takes from the books, would look like lost payments.
  const bool may_get_id = file_.header().books == payments::Uuid{};
  ChooseSync(lost || may_get_id);
  database_.Run("BEGIN IMMEDIATE");
  file_.Begin();
  if (lost) {
    file_.SetRun(NextRunName(boot_), SinceBootMs());
  } else if (!file_.header().run.starts_with(boot_)) {
    file_.SetRun(boot_, SinceBootMs());
  }
  for (const Change& change : changes) {
    if (database_.failed()) break;
    change.run(file_);
  }
  file_.AddSums();
  if (file_.header().epoch != swept_epoch_) next_sweep_ns_ = 0;
  if (!database_.Run("COMMIT")) return false;
  if (synced_) next_sync_ns_ = clock_.MonotonicNanos() + kSyncIntervalNs;
  if (lost) SetSyncFailed(false);
  replaced_ = false;
  return true;
}

// What a failed sync has left out of the write-ahead file stays out, whatever is synced later, and
// what stands behind it is lost with it. So all that the file says goes into the database, and the
// write-ahead file begins anew, before another change is confirmed.
bool Writer::BeginAnew() {
  const int code = Backfill(SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) database_.NoteError(code);
  return code == SQLITE_OK;
}

// One commit a second is on the disk before it is answered. What a power loss takes is younger than
// what slots rest, so the tables still hold it.
void Writer::ChooseSync(bool at_once) {
  const bool sync = at_once || options_.sync_always || clock_.MonotonicNanos() >= next_sync_ns_;
  if (sync == synced_) return;
  if (database_.Run(sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")) {
    synced_ = sync;
  }
}

void Writer::OnFailure() {
  failures_.CountFailure();
  file_.Forget();
  if (!database_.is_open() || !database_.failed()) return;
  Say(AboutTrouble(options_.path, database_));
  // The next transaction, of whichever process, begins a new run.
  if (IsFailedSync(database_.code())) SetSyncFailed(true);
  if (!MayGoOn(database_.code())) Close();
}

void Writer::SetSyncFailed(bool failed) {
  sync_failed_ = failed;
  LockNote note = lock_.Note();
  note.sync_failed = failed;
  static_cast<void>(lock_.SetNote(note, false));  // sync_failed_ holds in this process anyway
}

bool Writer::NoteStamp() {
  LockNote note = lock_.Note();
  note.state = LockNote::State::kKnown;
  note.stamp = StampOf(database_);
  return lock_.SetNote(note, false);
}

// Copies the write-ahead file into the database, with another stamp. The note comes first, and
// durably: a process or a machine that dies in between leaves "changing", and not a stamp that is
// wrong.
int Writer::Backfill(int mode, int* in_file, int* copied) {
  LockNote note = lock_.Note();
  note.state = LockNote::State::kChanging;
  if (!lock_.SetNote(note, true)) return SQLITE_IOERR_WRITE;
  if (!SetStamp(database_, static_cast<int64_t>(random_.Below(kStamps)))) return database_.code();
  const int code = sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, mode, in_file, copied);
  NoteStamp();
  return code;
}

void Writer::Say(const std::string& problem) {
  if (problem == std::exchange(said_, problem)) return;
  if (options_.report) options_.report(true, problem);
}

int64_t Writer::BackOffMs() {
  if (failures_.failures() == 0) return 0;
  base::Backoff waits = failures_;
  return std::min(kWaits.max_ms, kWaits.min_ms << (waits.failures() - 1));
}

// REQUIRES: the lock.
void Writer::Checkpoint(int mode) {
  int in_file = 0;
  int copied = 0;
  const int code = Backfill(mode, &in_file, &copied);
  if (code != SQLITE_OK && code != SQLITE_BUSY) {
    database_.NoteError(code);
    return OnFailure();
  }
  // A reader may have kept the rest. The next try comes some pages later.
  const bool whole = copied >= in_file;
  checkpoint_pages_ = whole ? kForcedPages : in_file + kQuietPages;
  if (whole) pages_ = 0;
}

int64_t Writer::Rest() {
  if (!database_.is_open() || failures_.failures() != 0) return -1;
  const bool full = pages_ >= kQuietPages && checkpoint_pages_ == kForcedPages;
  const int64_t now_ns = clock_.MonotonicNanos();
  const bool sweeps = next_sweep_ns_ >= 0;
  if (full || (sweeps && now_ns >= next_sweep_ns_)) {
    if (!Prepare()) {
      OnFailure();
    } else if (full) {
      Checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    } else {
      SweepStep();
    }
    lock_.Release();
  }
  return next_sweep_ns_ >= 0 ? kSweepIntervalNs / base::kNanosPerMilli : -1;
}

void Writer::SweepStep() {
  database_.Run("BEGIN IMMEDIATE");
  file_.Begin();
  const bool more = Sweep(database_, file_.header().epoch);
  database_.Run("COMMIT");
  if (database_.failed()) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    return OnFailure();
  }
  swept_epoch_ = file_.header().epoch;
  next_sweep_ns_ = more ? clock_.MonotonicNanos() + kSweepIntervalNs : -1;
}

void Writer::End() {
  if (database_.is_open() && Prepare()) Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
  lock_.Release();
  Close();
}

void Writer::Close() {
  file_.Forget();
  database_.Close();
  pages_ = 0;
  checkpoint_pages_ = kForcedPages;
}

}  // namespace tollgate::ledger::file

// Writer: makes transactions on a file of books: opens the file, takes turns with other processes,
// commits, checkpoints, sweeps what a purge left, and says what is wrong.
//
// Thread: the writing thread's; the constructor any.
// Owns: a connection to SQLite, the write lock.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "ledger/file/book_file.h"
#include "ledger/file/write_lock.h"
#include "tollgate/base/backoff.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/random.h"
#include "tollgate/ledger/file_options.h"

namespace tollgate::ledger::file {

// A change of the books. `run` may be called again if the transaction fails, so it begins with
// empty answers.
struct Change {
  std::function<void(BookFile& file)> run;
  std::function<void(bool committed)> done;
  size_t payments = 0;  // about how many it touches
};

// Members: one connection's life in one place, from opening to what people are told.
class Writer {
 public:
  Writer(const FileOptions& options, std::function<bool()> stopped);

  // One transaction. False: nothing of it is on the books.
  bool Execute(std::span<const Change> changes);
  // What is to be done when no change waits: a checkpoint, a step of the sweep. Returns the
  // milliseconds until the next one; negative: there is none.
  int64_t Rest();
  // After a failure: how long to wait before the next try; 0: none failed.
  int64_t BackOffMs();
  // Leaves the file as short as it can be, for the next start, and closes it.
  void End();

 private:
  void Close();
  bool Prepare();
  bool Open();
  bool OpenDatabase();
  bool MakeFile();
  bool WasSwapped() const;
  bool Transact(std::span<const Change> changes);
  void ChooseSync(bool at_once);
  bool BeginAnew();
  int Backfill(int mode, int* in_file, int* copied);
  bool NoteStamp();
  void SetSyncFailed(bool failed);
  void Checkpoint(int mode);
  void SweepStep();
  void OnFailure();
  void Say(const std::string& problem);

  const FileOptions options_;
  const std::function<bool()> stopped_;
  const base::SystemClock clock_;
  const std::string boot_;  // the run of the books, as tables keep it, begins so
  WriteLock lock_;
  Database database_;
  BookFile file_{database_};
  std::optional<ino_t> inode_;
  bool sync_failed_ = false;  // what it may have lost is not yet mended
  bool replaced_ = false;     // another file was put in its place: the next commit begins a new run
  bool synced_ = false;       // the present setting of PRAGMA synchronous
  int64_t next_sync_ns_ = 0;
  int64_t next_sweep_ns_ = 0;  // negative: nothing to sweep
  uint32_t swept_epoch_ = 0;
  int pages_ = 0;  // in the write-ahead file
  int checkpoint_pages_;
  base::Random random_;  // of stamps
  base::Backoff failures_;
  std::string said_;  // the last problem
};

}  // namespace tollgate::ledger::file

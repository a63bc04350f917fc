// WriteLock: the right to write a file of books, among the processes of a host. SQLite has a lock
// of its own; this one takes turns, and covers checkpoints too. Open file description locks
// (fcntl(2)) on two bytes of a file beside the books: the second byte is the lock. The first is a
// turnstile: who waits for the lock holds it, so whoever had the lock last comes behind. The file's
// content is a LockNote.
//
// Thread: the writer's.
// Owns: the lock file's descriptor. The kernel drops the locks with it, also if the process dies.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ledger/file/lock_note.h"
#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::ledger::file {

class WriteLock {
 public:
  // Opens the lock file, and makes it if it is missing.
  base::Status Open(const std::string& path);
  // Waits for the lock. False: it did not come within `patience_ms`, or `stopped` returned true.
  bool Acquire(int64_t patience_ms, const std::function<bool()>& stopped);
  void Release();
  // REQUIRES: the lock.
  LockNote Note() const { return ReadNote(fd_.get()); }
  bool SetNote(const LockNote& note, bool durably) { return WriteNote(fd_.get(), note, durably); }

 private:
  bool Wait(int64_t byte, int64_t end_ns, const std::function<bool()>& stopped);

  base::UniqueFd fd_;
};

}  // namespace tollgate::ledger::file

// LockNote: what stands in the lock file beside the books. It outlives processes, and all see it.
//
// It says to which state of the database the write-ahead file belongs. SQLite does not know that:
// it would write what is in the former write-ahead file over a backup that was put in the place of
// the database, and nobody would notice. Only checkpoints change the database file, and each one
// gives it another stamp (schema.h).
//
// Thread: the writer's, with the lock; to read it: any.
#pragma once

#include <cstdint>
#include <string>

#include "ledger/file/database.h"

namespace tollgate::ledger::file {

struct LockNote {
  enum class State : uint8_t {
    kUnknown,   // nobody has noted it
    kChanging,  // a checkpoint has begun
    kKnown,     // the database has `stamp`
  };
  bool sync_failed = false;  // until its loss is mended
  State state = State::kUnknown;
  uint32_t stamp = 0;  // PRAGMA user_version, whole
  bool operator==(const LockNote&) const = default;
};

// Kept by the descriptor of the lock file. A note that is too short, or that nobody can have
// written, is as none.
LockNote ReadNote(int fd);
// `durably`: it is on the disk when this returns. False: see errno.
bool WriteNote(int fd, const LockNote& note, bool durably);

// PRAGMA user_version of the database file itself, without the write-ahead file. It is read through
// SQLite's descriptor, because closing another one of the file would drop SQLite's locks. 0: the
// file is empty, or cannot be read.
uint32_t StampOf(Database& database);

enum class Fit : uint8_t {
  kSame,      // the database is the one that was noted
  kReplaced,  // it is another one, or nobody knows; no write-ahead file is beside it
  kMixed,     // it is another one, beside the write-ahead file of the one before
};
// REQUIRES: `database`, the one at `path`, is open.
Fit FitOf(const LockNote& note, Database& database, const std::string& path);
// False: kMixed. A checkpoint may be made meanwhile.
bool MayBeRead(Database& database, const std::string& path);
// What people can do about kMixed.
std::string AboutMixed(const std::string& path);

}  // namespace tollgate::ledger::file

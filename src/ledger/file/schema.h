// The schema of a file of books (docs/BOOKS_FILE.md).
//
// Thread: constants and pure functions.
#pragma once

#include <cstdint>

#include "ledger/file/database.h"

namespace tollgate::ledger::file {

inline constexpr int64_t kApplicationId = 0x546F6C47;  // "TolG"
// PRAGMA user_version is the format in its low byte, and above it a stamp: a random number that
// each checkpoint sets (lock_note.h).
inline constexpr int64_t kFormat = 1;
inline constexpr int kStampShift = 8;
inline constexpr int64_t kStamps = int64_t{1} << 23;  // as a number of 32 bits it stays positive

// The columns of a shelf's table: place is kind × 256 + ledger number, at is relative to the
// shelf's base.
inline constexpr const char* kSettledColumns =
    "(id BLOB PRIMARY KEY, place INTEGER NOT NULL, at INTEGER NOT NULL, cents INTEGER NOT NULL) "
    "WITHOUT ROWID";
// Of a table of sums. The key is that of SumKey.
inline constexpr const char* kSumColumns =
    "(key INTEGER PRIMARY KEY, count INTEGER NOT NULL, cents INTEGER NOT NULL)";
// Of `pending`, behind the id.
inline constexpr const char* kClaimColumns =
    "owner, slot, generation, attempt, processor, at_ms, cents, epoch, incarnation, identity";

enum class FileKind : uint8_t {
  kOurs,
  kEmpty,    // nothing is in it yet
  kForeign,  // another program's
  kNewer,    // of a later format
};
FileKind KindOf(Database& database);
// Sets format and stamp.
bool SetStamp(Database& database, int64_t stamp);
// Makes the tables. Called inside a transaction.
void MakeTables(Database& database);

}  // namespace tollgate::ledger::file

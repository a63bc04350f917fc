#include "ledger/file/open_to_read.h"

#include "ledger/file/lock_note.h"
#include "ledger/file/schema.h"
#include "ledger/file/trouble.h"

namespace tollgate::ledger::file {

base::Status OpenToRead(Database& database, const std::string& path, int busy_ms) {
  const std::string books = "the books in " + path;
  // SQLite notes its readers in a file beside the books, so it opens them for writing.
  if (!database.Open(path, SQLITE_OPEN_READWRITE)) {
    return base::Error{books + " cannot be opened: " + database.problem()};
  }
  if (!MayBeRead(database, path)) {
    database.Close();
    return base::Error{AboutMixed(path)};
  }
  sqlite3_busy_timeout(database.handle(), busy_ms);
  sqlite3_wal_autocheckpoint(database.handle(), 0);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database.Run("PRAGMA query_only = 1");
  const FileKind kind = KindOf(database);
  if (IsDamage(database.code())) return base::Error{AboutDamage(path, database)};
  if (database.failed()) return base::Error{books + " cannot be read: " + database.problem()};
  if (kind == FileKind::kOurs) return base::OkStatus();
  database.Close();
  return base::Error{path + (kind == FileKind::kNewer ? " has the books of a later version"
                                                      : " has no books of Tollgate")};
}

}  // namespace tollgate::ledger::file

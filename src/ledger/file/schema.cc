#include "ledger/file/schema.h"

#include <string>

namespace tollgate::ledger::file {

FileKind KindOf(Database& database) {
  const int64_t application = database.Number("PRAGMA application_id", 0);
  if (application == kApplicationId) {
    const int64_t version = database.Number("PRAGMA user_version", 0);
    const int64_t format = version % (int64_t{1} << kStampShift);
    return format > kFormat ? FileKind::kNewer : FileKind::kOurs;
  }
  const bool empty =
      application == 0 && database.Number("SELECT count(*) FROM sqlite_master", 1) == 0;
  return empty ? FileKind::kEmpty : FileKind::kForeign;
}

bool SetStamp(Database& database, int64_t stamp) {
  const int64_t version = stamp % kStamps << kStampShift | kFormat;
  return database.Run("PRAGMA user_version = " + std::to_string(version));
}

void MakeTables(Database& database) {
  database.Run("PRAGMA application_id = " + std::to_string(kApplicationId));
  SetStamp(database, 0);
  database.Run("CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID");
  database.Run("CREATE TABLE names(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)");
  database.Run(
      "CREATE TABLE owners(id BLOB PRIMARY KEY, incarnation INTEGER NOT NULL, "
      "nonce INTEGER NOT NULL, number INTEGER, gone INTEGER NOT NULL, seen_s INTEGER NOT NULL) "
      "WITHOUT ROWID");
  database.Run(
      "CREATE TABLE shelves(number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, "
      "base_ms INTEGER NOT NULL, began_s INTEGER NOT NULL, lasts_s INTEGER NOT NULL)");
  database.Run(std::string("CREATE TABLE pending(id BLOB PRIMARY KEY, ") + kClaimColumns +
               ") WITHOUT ROWID");
  database.Run(std::string("CREATE TABLE sums_0") + kSumColumns);
  database.Run(
      "CREATE TABLE lease(key TEXT PRIMARY KEY, text TEXT NOT NULL, at_ms INTEGER NOT NULL) "
      "WITHOUT ROWID");
  database.Run("CREATE TABLE live(token TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID");
  database.Run("CREATE TABLE visits(at_ms INTEGER PRIMARY KEY)");
}

}  // namespace tollgate::ledger::file

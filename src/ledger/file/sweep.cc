#include "ledger/file/sweep.h"

#include <charconv>
#include <string>

namespace tollgate::ledger::file {
namespace {

constexpr const char* kRowsPerStep = "2000";

// The epoch in the name of a table; negative: it has none.
int64_t EpochOf(std::string_view name) {
  int64_t epoch = -1;
  for (const std::string_view prefix : {"booked_", "sums_"}) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view rest = name.substr(prefix.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), epoch);
  }
  return epoch;
}

}  // namespace

bool Sweep(Database& database, uint32_t epoch) {
  std::string table;
  Statement(database, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .ForEach([&](const Row& row) {
        const int64_t of = EpochOf(row.Text(0));
        if (of >= 0 && of < epoch && table.empty()) table = row.Text(0);
      });
  if (table.empty()) return false;
  const std::string key = table.starts_with("sums_") ? "key" : "id";
  database.Run("DELETE FROM " + table + " WHERE " + key + " IN (SELECT " + key + " FROM " + table +
               " LIMIT " + kRowsPerStep + ")");
  if (database.failed() || sqlite3_changes(database.handle()) != 0) return true;
  database.Run("DROP TABLE " + table);
  return true;
}

}  // namespace tollgate::ledger::file

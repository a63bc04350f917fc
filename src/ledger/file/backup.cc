#include <memory>

#include "ledger/file/book_file.h"
#include "ledger/file/open_to_read.h"
#include "ledger/file/partial_file.h"
#include "tollgate/ledger/file_backup.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger {
namespace file {
namespace {

constexpr int kPagesPerStep = 1'000;

base::Error Failed(const std::string& what, const Database& database) {
  return base::Error{what + ": " + database.problem()};
}

// The books of one moment: what the transaction of `source` sees.
base::Status CopyPages(Database& source, Database& copy, const std::string& target,
                       const std::function<void(double share)>& show) {
  struct Finish {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
  };
  std::unique_ptr<sqlite3_backup, Finish> backup(
      sqlite3_backup_init(copy.handle(), "main", source.handle(), "main"));
  int code = backup == nullptr ? sqlite3_errcode(copy.handle()) : SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup.get(), kPagesPerStep);
    const int pages = sqlite3_backup_pagecount(backup.get());
    if (pages > 0) show(1 - static_cast<double>(sqlite3_backup_remaining(backup.get())) / pages);
  }
  if (code == SQLITE_DONE) code = sqlite3_backup_finish(backup.release());
  if (code == SQLITE_OK) return base::OkStatus();
  return base::Error{"the backup " + target + " cannot be written: " + sqlite3_errstr(code)};
}

// The copy is one file, without a write-ahead file beside it, and whole.
base::Status CheckCopy(Database& copy, const std::string& target) {
  copy.Run("PRAGMA journal_mode = DELETE");
  std::string verdict;
  Statement(copy, "PRAGMA quick_check(1)").First([&](const Row& row) { verdict = row.Text(0); });
  if (copy.failed()) return Failed("the backup " + target + " cannot be checked", copy);
  if (verdict == "ok") return base::OkStatus();
  return base::Error{"the books are damaged, so " + target + " was not kept: " + verdict};
}

BackupFacts FactsOf(Database& source) {
  BookFile file(source);
  file.Begin();
  const std::string counted = "SELECT sum(count) FROM " + SumsTable(file.header().epoch) +
                              " WHERE key >= " + std::to_string(SumKey(kSumTop, 0, 0));
  return {.pending = source.Number("SELECT count(*) FROM pending", 0),
          .counted = source.Number(counted.c_str(), 0)};
}

}  // namespace
}  // namespace file

base::Result<BackupFacts> BackUp(const std::string& books, const std::string& target,
                                 const std::function<void(double share)>& show) {
  file::Database source;
  if (auto status = file::OpenToRead(source, books); !status.ok()) return status.error();
  file::PartialFile partial(target);
  if (auto status = partial.Make(); !status.ok()) return status.error();
  // In a transaction, so that commits of others do not begin the copy anew.
  source.Run("BEGIN");
  BackupFacts facts = file::FactsOf(source);
  if (source.failed()) return file::Failed("the books in " + books + " cannot be read", source);
  file::Database copy;
  if (!copy.Open(partial.path(), SQLITE_OPEN_READWRITE)) {
    return file::Failed("the backup " + target + " cannot be opened", copy);
  }
  auto status = file::CopyPages(source, copy, target, show);
  source.Run("COMMIT");
  if (status.ok()) status = file::CheckCopy(copy, target);
  copy.Close();
  if (!status.ok()) return status.error();
  const auto bytes = partial.Finish();
  if (!bytes.ok()) return bytes.error();
  facts.bytes = bytes.value();
  return facts;
}

}  // namespace tollgate::ledger

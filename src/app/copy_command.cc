// The command `tollgate books copy`.
#include <cstdio>
#include <filesystem>
#include <string>

#include "tollgate/app/commands.h"
#include "tollgate/base/logging.h"
#include "tollgate/ledger/copy_books.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::app {
namespace {

ledger::BooksAt At(const config::BooksLocation& location) {
  return {.kind = location.kind, .redis = location.redis, .path = location.path};
}

// The path of a table that a gateway has open, in one of the folders of this fleet; empty: none.
std::string TableInUse(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (folder.empty()) continue;
    for (const std::string& path : table::ListTables(folder)) {
      if (table::IsLocked(path)) return path;
    }
  }
  return {};
}

std::string FolderOf(const config::BooksLocation& location) {
  if (location.kind != ledger::PlaceKind::kFile) return {};
  const std::string folder = std::filesystem::path(location.path).parent_path();
  return folder.empty() ? "." : folder;
}

}  // namespace

int CopyBooks(const config::Config& config, const config::BooksLocation& from,
              const config::BooksLocation& to) {
  if (from.kind == to.kind) {
    base::PrintError(from.kind == ledger::PlaceKind::kFile
                         ? "both books are files: use tollgate books backup"
                         : "both books are in Redis: use Redis' own means, as a snapshot");
    return 1;
  }
  const std::string table = TableInUse({config.data_dir, FolderOf(from), FolderOf(to)});
  if (!table.empty()) {
    base::PrintError("a gateway has the table " + table +
                     " open; stop all gateways on these books, then run this again");
    return 1;
  }
  const auto facts = ledger::CopyBooks(At(from), At(to), [](std::string_view what) {
    std::fprintf(stderr, "books copy: %.*s\n", static_cast<int>(what.size()), what.data());
  });
  if (!facts.ok()) {
    base::PrintError(facts.error().message);
    return 1;
  }
  const auto number = [](int64_t value) { return static_cast<long long>(value); };
  std::printf(
      "copied and compared: %lld tables, %lld pending and %lld settled payments, "
      "summaries of %lld payments\n",
      number(facts.value().tables), number(facts.value().pending), number(facts.value().settled),
      number(facts.value().counted));
  if (facts.value().left_behind != 0) {
    std::printf(
        "%lld settled payments on older shelves stay in the file, as Redis keeps two; "
        "summaries have them\n",
        number(facts.value().left_behind));
  }
  std::printf("Start gateways on the copy only, and keep the original away from them.\n");
  return 0;
}

}  // namespace tollgate::app

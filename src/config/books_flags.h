// The command line of `tollgate books backup` and `tollgate books copy`.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <string>

#include "tollgate/base/result.h"
#include "tollgate/config/books_location.h"

namespace tollgate::config {

struct BooksFlags {
  std::string backup_file;
  std::string copy_from, copy_to;
};

// Reads "file:PATH" (a folder means books.db in it), "redis://…" or "unix://…". `redis`: prefix,
// time limits and buckets. The error names `flag` and the fix.
base::Result<BooksLocation> ReadLocation(const std::string& flag, const std::string& text,
                                         const ledger::RedisOptions& redis);

}  // namespace tollgate::config

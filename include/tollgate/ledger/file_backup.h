// BackUp: copies books in a file while gateways use them.
//
// Thread: any; it blocks until the copy is whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tollgate/base/result.h"

namespace tollgate::ledger {

struct BackupFacts {
  uint64_t bytes = 0;
  int64_t pending = 0;  // claims
  int64_t counted = 0;  // payments in summaries
};

// Makes `target`, which must not exist: the books of one moment in one file that SQLite has checked
// and the disk has. It appears under its name when it is whole. Writers go on meanwhile; their
// write-ahead file grows until the end. `show` is called now and then with the share that is done.
base::Result<BackupFacts> BackUp(const std::string& books, const std::string& target,
                                 const std::function<void(double share)>& show);

}  // namespace tollgate::ledger

// CopyBooks: moves books from Redis to a file or back, while no gateway uses them.
//
// Thread: any; it blocks until the copy is whole and compared.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"
#include "tollgate/ledger/file_options.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::ledger {

struct BooksAt {
  PlaceKind kind = PlaceKind::kRedis;
  RedisOptions redis;
  std::string path;  // of the file
};

struct CopyFacts {
  int64_t tables = 0;
  int64_t pending = 0;
  int64_t settled = 0;
  int64_t counted = 0;      // payments in summaries
  int64_t left_behind = 0;  // settled payments on older shelves than Redis keeps
};

// Copies everything that the books are: their id, purges, names, tables with their numbers, claims,
// the two shelves that look-ups see, and sums. Then reads both and compares them. The target must
// be empty: no file, or no books under that prefix. `show` is called now and then with what is
// being done.
base::Result<CopyFacts> CopyBooks(const BooksAt& from, const BooksAt& to,
                                  const std::function<void(std::string_view what)>& show);

}  // namespace tollgate::ledger

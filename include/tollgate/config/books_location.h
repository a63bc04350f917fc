// BooksLocation: where books are, as the arguments of `tollgate books copy` say it.
//
// Thread: a value type.
#pragma once

#include <string>

#include "tollgate/ledger/file_options.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::config {

struct BooksLocation {
  ledger::PlaceKind kind = ledger::PlaceKind::kRedis;
  ledger::RedisOptions redis;
  std::string path;  // of the file
};

}  // namespace tollgate::config

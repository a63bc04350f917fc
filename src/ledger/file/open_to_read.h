// Opens books in a file to read them, beside gateways or without.
//
// Thread: any.
#pragma once

#include <string>

#include "ledger/file/database.h"
#include "tollgate/base/result.h"

namespace tollgate::ledger::file {

// Waits for up to `busy_ms` at a time where SQLite has to. The error is for people.
base::Status OpenToRead(Database& database, const std::string& path, int busy_ms = 5'000);

}  // namespace tollgate::ledger::file

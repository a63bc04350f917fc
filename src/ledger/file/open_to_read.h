// Opens books in a file for a command that only reads them, beside gateways or without.
//
// Thread: any.
#pragma once

#include <string>

#include "ledger/file/database.h"
#include "tollgate/base/result.h"

namespace tollgate::ledger::file {

// The error is for people.
base::Status OpenToRead(Database& database, const std::string& path);

}  // namespace tollgate::ledger::file

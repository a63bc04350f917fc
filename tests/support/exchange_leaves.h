// Damage to a database of SQLite that only shows in the order of its rows.
//
// Thread: any.
#pragma once

#include <string>

namespace tollgate::testing {

// Exchanges the first and the third leaf of the largest table without rowid. Nobody may have the
// file open. False: it has no such table.
bool ExchangeLeaves(const std::string& path);

}  // namespace tollgate::testing

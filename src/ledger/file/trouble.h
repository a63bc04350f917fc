// What people are told when SQLite fails, and what to do with the connection.
//
// Thread: pure functions.
#pragma once

#include <string>

#include "ledger/file/database.h"

namespace tollgate::ledger::file {

// One line: what is wrong with the file, and what to do.
std::string AboutTrouble(const std::string& path, const Database& database);
// The same of damage, without what it means for payments.
std::string AboutDamage(const std::string& path, const Database& database);
// True: the file's content is wrong, and asking again does not help.
bool IsDamage(int code);
// False: the connection must be closed and opened again.
bool MayGoOn(int code);
// True: what was committed before may not be on the disk.
bool IsFailedSync(int code);

}  // namespace tollgate::ledger::file

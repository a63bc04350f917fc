// What a purge leaves is removed in steps, so that no commit waits for long.
//
// Thread: the writer's, inside a transaction.
#pragma once

#include <cstdint>

#include "ledger/file/database.h"

namespace tollgate::ledger::file {

// Removes a part of the tables of epochs before `epoch`. False: there are none.
bool Sweep(Database& database, uint32_t epoch);

}  // namespace tollgate::ledger::file

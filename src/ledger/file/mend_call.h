// The mending of sums in a file of books (src/ledger/lua/mend.lua has the rules).
//
// Thread: the writer's, inside a transaction.
#pragma once

#include <string>
#include <vector>

#include "ledger/file/book_file.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::file {

// `cells`: those of the request, which has none. `processor`: the name of the request's.
MendReply Mend(BookFile& file, const MendRequest& request, const std::vector<SumCell>& cells,
               const std::string& processor);

}  // namespace tollgate::ledger::file

// The answer of find.lua. Its form is checked, as Redis may hold anything.
//
// Thread: the directory's writer.
#pragma once

#include <hiredis/hiredis.h>

#include <optional>

#include "tollgate/ledger/books.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

// First optional: nothing if find.lua cannot have given this answer. Second: empty if the id is not
// on the books. A processor that `directory` lacks is added to it.
std::optional<std::optional<BookEntry>> ReadFindReply(const redisReply& reply,
                                                      payments::ProcessorDirectory& directory);

}  // namespace tollgate::ledger

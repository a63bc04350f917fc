// What the traces of one finished transfer prove (docs/ARCHITECTURE.md, "Outcomes"). Pure.
//
// Thread: pure functions.
#pragma once

#include <string_view>

#include "tollgate/payments/uuid.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::upstream {

struct Evidence {
  bool ended_well = false;  // the answer is whole
  bool sent = true;         // some byte of the request may have left
  int status = 0;           // of a whole final status line, else 0
  bool headers_whole = false;
  bool framed = false;  // its end is told by Content-Length or chunks
  bool has_body = false;
};

PostOutcome ClassifyPost(const Evidence& evidence);

// What GET /payments/{id} for `id` says.
LookupResult ClassifyLookup(const Evidence& evidence, std::string_view body,
                            const payments::Uuid& id);

// Is the whole answer here?
bool IsComplete(const Evidence& evidence);

}  // namespace tollgate::upstream

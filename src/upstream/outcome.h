// What is proved by the evidence of one finished exchange (docs/ARCHITECTURE.md, "Outcomes").
//
// Thread: pure functions.
#pragma once

#include <string_view>

#include "tollgate/payments/uuid.h"
#include "tollgate/upstream/processor_client.h"

namespace tollgate::upstream {

struct Evidence {
  bool ended_well = false;  // the answer is complete
  bool sent = true;         // some byte of the request may have left
  int status = 0;           // of a complete final status line, else 0
  bool headers_whole = false;
  bool framed = false;  // Content-Length or chunks mark its end
  bool has_body = false;
};

PostOutcome ClassifyPost(const Evidence& evidence);

// Classifies the answer to GET /payments/{id} for `id`.
LookupResult ClassifyLookup(const Evidence& evidence, std::string_view body,
                            const payments::Uuid& id);

// True if the whole answer arrived.
bool IsComplete(const Evidence& evidence);

}  // namespace tollgate::upstream

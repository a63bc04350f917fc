// Readiness: what /readyz checks.
//
// Thread: any. Other threads write both values.
#pragma once

#include <atomic>

#include "tollgate/ledger/ledger.h"

namespace tollgate::api {

struct Readiness {
  const std::atomic<bool>& draining;
  const std::atomic<ledger::BooksStanding>&
      standing;  // kUnknown is still ready, because payments are accepted
};

}  // namespace tollgate::api

// Readiness: what /readyz looks at.
//
// Thread: any; both are written by other threads.
#pragma once

#include <atomic>

#include "tollgate/ledger/ledger.h"

namespace tollgate::api {

struct Readiness {
  const std::atomic<bool>& draining;
  const std::atomic<ledger::BooksStanding>& standing;  // away is still ready: payments are taken
};

}  // namespace tollgate::api

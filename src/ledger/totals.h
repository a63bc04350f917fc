// The totals of a summary, in the order in which clients get them.
//
// Thread: pure functions.
#pragma once

#include <map>
#include <string>

#include "tollgate/payments/processor_directory.h"
#include "tollgate/payments/summary.h"

namespace tollgate::ledger {

using Totals = std::map<std::string, payments::ProcessorTotals>;  // by name

// All configured processors in their order, then the others that have sums.
payments::Summary InOrder(Totals totals, const payments::ProcessorDirectory& directory);

}  // namespace tollgate::ledger

// The tree of sums that record.lua keeps: radix 64 over requestedAt in milliseconds. A node of
// level L sums 64^L milliseconds. 64 nodes share a key; all nodes of level 5 share one. Any range
// is the sum of parts of at most a dozen keys.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/payments/summary.h"

namespace tollgate::ledger {

// Nodes [first, last] of one key, by their index in it.
struct SumPart {
  std::string key;  // behind "s:{epoch}:"
  int level = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t node = 0;  // the number of the first one among all of its level
};

// The parts that together are exactly the milliseconds of `range`. Empty if the range is empty.
std::vector<SumPart> PlanSum(const payments::SummaryRange& range);

}  // namespace tollgate::ledger

#include "ledger/sum_tree.h"

#include <algorithm>

namespace tollgate::ledger {
namespace {

constexpr int kTop = 5;
constexpr int kBits = 6;
constexpr int64_t kTopNodeMax = 65'535;                                 // its index is two bytes
constexpr int64_t kLastMs = ((kTopNodeMax + 1) << (kBits * kTop)) - 1;  // beyond the year 4000

// Adds nodes [first, last] of a level. REQUIRES: below the top level both are in one key.
void AddPart(std::vector<SumPart>& parts, int level, int64_t first, int64_t last) {
  if (first > last) return;
  if (level == kTop) {
    parts.push_back({.key = "5", .level = level, .first = first, .last = last, .node = first});
    return;
  }
  const int64_t key = first >> kBits;
  parts.push_back({.key = std::to_string(level) + ":" + std::to_string(key),
                   .level = level,
                   .first = first & 63,
                   .last = last & 63,
                   .node = first});
}

}  // namespace

std::vector<SumPart> PlanSum(const payments::SummaryRange& range) {
  std::vector<SumPart> parts;
  int64_t first = std::max<int64_t>(range.from_ms, 0);
  int64_t last = std::min(range.to_ms, kLastMs);
  if (range.from_ms > kLastMs || first > last) return parts;
  // From the leaves up: at each level take the nodes at both ends that do not fill a node above.
  for (int level = 0; level < kTop; ++level) {
    if (first >> kBits == last >> kBits && !((first & 63) == 0 && (last & 63) == 63)) {
      AddPart(parts, level, first, last);
      return parts;
    }
    const int64_t next_first = (first + 63) >> kBits;
    const int64_t next_last = ((last + 1) >> kBits) - 1;
    AddPart(parts, level, first, std::min(last, (next_first << kBits) - 1));
    if (next_first <= next_last + 1) {
      AddPart(parts, level, std::max(first, (next_last + 1) << kBits), last);
    }
    if (next_first > next_last) return parts;
    first = next_first;
    last = next_last;
  }
  AddPart(parts, kTop, first, last);
  return parts;
}

}  // namespace tollgate::ledger

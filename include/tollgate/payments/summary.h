// The payments summary: its query, its content and its JSON (docs/openapi.yaml).
//
// Thread: pure functions and value types.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {

// Both ends inclusive, in milliseconds since 1970. An open end is the type's extreme.
struct SummaryRange {
  int64_t from_ms = std::numeric_limits<int64_t>::min();
  int64_t to_ms = std::numeric_limits<int64_t>::max();
};

struct ParsedSummaryRange {
  SummaryRange range;
  std::string problem;  // empty on success; else what to change
  bool ok() const { return problem.empty(); }
};

// The query part of a target, without the question mark: "from=…&to=…", each optional, percent-
// coded or not ('+' in an offset stands for itself); unknown names are ignored, a repeated one is
// a problem. `from` is rounded up and `to` down to the unit of `parse`. An empty value is an absent
// one. A range that ends before it begins, or before 1970, is one in which nothing lies.
struct RangeQuery {
  std::optional<int64_t> from;
  std::optional<int64_t> to;
  std::string problem;  // empty on success; else what to change
};
using ParseTimestamp = base::Result<int64_t> (*)(std::string_view text, Rounding, Zone);
RangeQuery ParseRangeQuery(std::string_view query, ParseTimestamp parse);
// The same in milliseconds, an absent end open.
ParsedSummaryRange ParseSummaryQuery(std::string_view query);

struct ProcessorTotals {
  std::string name;
  int64_t count = 0;
  int64_t amount_cents = 0;
};
using Summary = std::vector<ProcessorTotals>;

// {"default":{"totalRequests":1,"totalAmount":19.90},…} in the order given. The names may be any:
// those of the books are whatever stands in Redis.
std::string SummaryToJson(const Summary& summary);

}  // namespace tollgate::payments

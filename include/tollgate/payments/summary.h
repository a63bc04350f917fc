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

// Both ends are inclusive, in milliseconds since 1970. An open end is the type's extreme.
struct SummaryRange {
  int64_t from_ms = std::numeric_limits<int64_t>::min();
  int64_t to_ms = std::numeric_limits<int64_t>::max();
};

struct ParsedSummaryRange {
  SummaryRange range;
  std::string problem;  // empty on success; else what to change
  bool ok() const { return problem.empty(); }
};

// The two ends of a query, in the unit of the parser that was used.
struct RangeQuery {
  std::optional<int64_t> from;
  std::optional<int64_t> to;
  std::string problem;  // empty on success; else what to change
};
using ParseTimestamp = base::Result<int64_t> (*)(std::string_view text, Rounding, Zone);
// Reads the query part of a target, without the question mark: "from=…&to=…". Each is optional.
// Values may be percent-encoded. A '+' is not a space, because it is the sign of an offset. Unknown
// names are ignored. A repeated name is a problem. `from` is rounded up and `to` down to the unit
// of `parse`. An empty value counts as absent. A range may be empty, for example if `to` is before
// `from`.
RangeQuery ParseRangeQuery(std::string_view query, ParseTimestamp parse);
// As ParseRangeQuery, in milliseconds. An absent end is open.
ParsedSummaryRange ParseSummaryQuery(std::string_view query);

struct ProcessorTotals {
  std::string name;
  int64_t count = 0;
  int64_t amount_cents = 0;
};
using Summary = std::vector<ProcessorTotals>;

// {"default":{"totalRequests":1,"totalAmount":19.90},…} in the given order. Names are escaped,
// because those from Redis may contain anything.
std::string SummaryToJson(const Summary& summary);

}  // namespace tollgate::payments

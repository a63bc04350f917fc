#include "tollgate/payments/summary.h"

#include <utility>

#include "tollgate/base/json_writer.h"
#include "tollgate/base/text.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {

namespace {

struct Ends {
  bool from = false;
  bool to = false;
};

// Takes one "name=value". Returns the problem, or an empty text.
std::string TakePair(std::string_view pair, ParseTimestamp parse, RangeQuery* range, Ends* seen) {
  const size_t equals = pair.find('=');
  const auto name = base::PercentDecoded(pair.substr(0, equals));
  if (!name) return "query: a '%' must be followed by two hexadecimal digits";
  if (*name != "from" && *name != "to") return {};
  const bool is_from = *name == "from";
  bool& twice = is_from ? seen->from : seen->to;
  if (twice) return *name + ": stands twice";
  twice = true;
  // A '+' stays one, because it is the sign of an offset.
  const auto text = base::PercentDecoded(
      equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
  if (!text) return *name + ": a '%' must be followed by two hexadecimal digits";
  if (text->empty()) return {};
  const auto time = parse(*text, is_from ? Rounding::kUp : Rounding::kDown, Zone::kRequired);
  if (!time.ok()) {
    return *name + ": " + time.error().message +
           "; write it as 2025-07-15T12:34:56.000Z, a '+' of an offset as it is or as %2B";
  }
  (is_from ? range->from : range->to) = time.value();
  return {};
}

}  // namespace

RangeQuery ParseRangeQuery(std::string_view query, ParseTimestamp parse) {
  RangeQuery parsed;
  Ends seen;
  while (!query.empty() && parsed.problem.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty()) parsed.problem = TakePair(pair, parse, &parsed, &seen);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
  return parsed;
}

ParsedSummaryRange ParseSummaryQuery(std::string_view query) {
  RangeQuery range = ParseRangeQuery(query, &ParseTimestampMillis);
  const SummaryRange open;
  return {.range = {.from_ms = range.from.value_or(open.from_ms),
                    .to_ms = range.to.value_or(open.to_ms)},
          .problem = std::move(range.problem)};
}

std::string SummaryToJson(const Summary& summary) {
  std::string text;
  base::JsonWriter json(text);
  json.BeginObject();
  for (const auto& totals : summary) {
    json.Key(totals.name).BeginObject().Key("totalRequests").Number(totals.count);
    json.Key("totalAmount").Decimal(CentsToString(totals.amount_cents)).EndObject();
  }
  json.EndObject();
  return text;
}

}  // namespace tollgate::payments

// Any query: no crash; a range that is taken is told from a bad one by its problem alone.
#include <cstdint>
#include <string>

#include "tollgate/base/assert.h"
#include "tollgate/payments/summary.h"
#include "tollgate/payments/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tollgate::payments;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ParsedSummaryRange parsed = ParseSummaryQuery(text);
  if (!parsed.ok()) TG_ASSERT(parsed.range.from_ms == SummaryRange{}.from_ms || !text.empty());
  const auto up = ParseTimestampMillis(text, Rounding::kUp);
  const auto down = ParseTimestampMillis(text, Rounding::kDown);
  TG_ASSERT(up.has_value() == down.has_value());
  if (up) TG_ASSERT(*up == *down || *up == *down + 1);
  return 0;
}

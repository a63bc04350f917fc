// Any query: no crash; a valid range has no problem text, and a bad one has.
#include <cstdint>
#include <cstdlib>
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
  TG_ASSERT(up.ok() == down.ok());
  if (!up.ok()) {
    TG_ASSERT(!up.error().message.empty() && up.error().message == down.error().message);
    return 0;
  }
  TG_ASSERT(up.value() == down.value() || up.value() == down.value() + 1);
  // A written timestamp is read as the same moment.
  const auto again = ParseTimestampMillis(TimestampToString(down.value()), Rounding::kUp);
  constexpr int64_t kDayMs = 86'400'000;  // an offset may lead to a year that cannot be written
  const bool shown = down.value() >= -62'167'219'200'000 && down.value() < 253'402'300'800'000;
  TG_ASSERT(again.ok() && (again.value() == down.value() || !shown));
  TG_ASSERT(std::abs(again.value() - down.value()) <= kDayMs);
  return 0;
}

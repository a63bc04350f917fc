// Any answer of a processor: no crash; only JSON is accepted. An accepted answer fits the table and
// the books, and is the same after it was written and read again.
#include <array>
#include <cstdint>
#include <string>

#include "tests/payments/json_reference.h"
#include "tollgate/base/assert.h"
#include "tollgate/payments/json_object.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tollgate::payments;
  if (size > 4096) return 0;
  const std::string body(reinterpret_cast<const char*>(data), size);
  const bool is_json = testing::JsonReference::IsJson(body);
  TG_ASSERT(!JsonObject::Read(body) || is_json);
  if (const auto found = ParseProcessorPayment(body)) {
    TG_ASSERT(is_json);
    TG_ASSERT(found->payment.amount_cents > 0 && found->payment.amount_cents <= kAmountCentsMax);
    TG_ASSERT(found->requested_at_ms > 0 && found->requested_at_ms <= kRequestedAtMsMax);
    std::array<char, kProcessorBodyBytesMax> text;
    const size_t bytes =
        FormatProcessorPayment(found->payment, found->requested_at_ms, text.data());
    const auto again = ParseProcessorPayment({text.data(), bytes});
    TG_ASSERT(again && again->payment == found->payment);
    TG_ASSERT(again->requested_at_ms == found->requested_at_ms);
  }
  if (const auto health = ParseServiceHealth(body)) {
    TG_ASSERT(is_json && health->min_response_ms >= 0);
  }
  if (const auto summary = ParseProcessorSummary(body)) {
    TG_ASSERT(is_json && summary->count >= 0 && summary->amount_cents >= 0);
  }
  return 0;
}

// The JSON between the gateway and a processor (docs/PROCESSORS.md). An answer that is not fully
// understood (json_object.h) counts as no answer.
//
// Thread: pure functions. The parsers allocate, because they are not in a payment's usual path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"

namespace tollgate::payments {

inline constexpr size_t kProcessorBodyBytesMax = 160;

// Writes {"correlationId":"…","amount":19.90,"requestedAt":"2025-07-15T12:34:56.123Z"}. Returns its
// length. REQUIRES: room for kProcessorBodyBytesMax at `out`.
size_t FormatProcessorPayment(const Payment& payment, int64_t requested_at_ms, char* out);

// The answer of GET /payments/{id}. Parsing fails for an amount that is not exact to the cent, and
// for a time that is not positive or beyond kRequestedAtMsMax.
struct ProcessorPayment {
  Payment payment;
  int64_t requested_at_ms = 0;  // rounded down from the processor's microseconds
};
std::optional<ProcessorPayment> ParseProcessorPayment(std::string_view body);

// The answer of GET /payments/service-health.
struct ServiceHealth {
  bool failing = false;
  int64_t min_response_ms = 0;
};
std::optional<ServiceHealth> ParseServiceHealth(std::string_view body);

// The answer of GET /admin/payments-summary. Only reconcile requests it.
struct ProcessorSummary {
  int64_t count = 0;
  int64_t amount_cents = 0;
};
std::optional<ProcessorSummary> ParseProcessorSummary(std::string_view body);

}  // namespace tollgate::payments

// The JSON that passes between the gateway and a processor (docs/PROCESSORS.md). An answer is read
// as a whole or not at all (json_object.h): what is not wholly understood says nothing.
//
// Thread: pure functions; the parsers allocate (they are off the usual way of a payment).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"

namespace tollgate::payments {

inline constexpr size_t kProcessorBodyBytesMax = 160;

// {"correlationId":"…","amount":19.90,"requestedAt":"2025-07-15T12:34:56.123Z"}; returns its
// length. REQUIRES: room for kProcessorBodyBytesMax at `out`.
size_t FormatProcessorPayment(const Payment& payment, int64_t requested_at_ms, char* out);

// The answer of GET /payments/{id}. Nothing also for an amount that is not exact to the cent, and
// for a time that the table has no room for.
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

// The answer of GET /admin/payments-summary. Only reconciling asks for it.
struct ProcessorSummary {
  int64_t count = 0;
  int64_t amount_cents = 0;
};
std::optional<ProcessorSummary> ParseProcessorSummary(std::string_view body);

}  // namespace tollgate::payments

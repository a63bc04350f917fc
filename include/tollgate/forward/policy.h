// The routing rule: a pure function from what is known of the processors to a choice. The daemon,
// its tests and the schedule simulator call the same code.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <span>

#include "tollgate/payments/payment.h"

namespace tollgate::forward {

// What keeps a processor from being chosen, or does not.
enum class Standing : uint8_t {
  kOpenForAll,     // eligible
  kProbeDue,       // the breaker is open, and lets one payment through now
  kBreakerOpen,    // the breaker is open, the next probe is at retry_at_ms
  kFull,           // its cap of payments in flight is reached
  kUnresolvedCap,  // too many payments with unknown outcome wait for it
};
const char* Name(Standing standing);

struct ProcessorView {
  payments::ProcessorId id = payments::kNoProcessor;
  int64_t fee_ppm = 0;
  Standing standing = Standing::kOpenForAll;
  int64_t retry_at_ms = 0;  // monotonic; with kBreakerOpen
  int64_t latency_ms = 0;   // the larger of health's minResponseTime and the recent median
  uint32_t in_flight = 0;
  uint32_t in_flight_cap = 0;
};

struct PolicyOptions {
  // How long a payment may wait for a cheaper processor than the cheapest eligible one.
  int64_t wait_for_cheaper_ms_max = 0;
};

struct Choice {
  payments::ProcessorId processor = payments::kNoProcessor;  // kNoProcessor: wait
  int64_t wait_until_ms = 0;  // monotonic; INT64_MAX: until something changes
};

// Cheapest eligible processor first; any number of them. `age_ms` is the payment's. Views may come
// in any order.
Choice Choose(std::span<const ProcessorView> views, int64_t now_ms, int64_t age_ms,
              const PolicyOptions& options);

}  // namespace tollgate::forward

// What the gateway counts, by thread. Each struct has one writing thread. metrics/exposition.h sums
// them for Prometheus.
//
// Thread: see counter.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tollgate/metrics/counter.h"

namespace tollgate::metrics {

inline constexpr size_t kProcessorSlots = 32;  // more than any payments::ProcessorId

// Why a POST /payments was not accepted.
enum class Refusal : uint8_t { kInvalid, kTableFull, kDiskFailed, kFenced, kCount };

struct alignas(64) AcceptorMetrics {
  Counter accepted;
  std::array<Counter, static_cast<size_t>(Refusal::kCount)> refused;
  Counter summaries;
  Counter inexact_summaries;  // that are not as of the moment they were asked for
  Counter lookups;
  Counter purges;
  Counter ledger_away;  // summaries, look-ups and purges answered 503
};

// One processor as one forwarder sees it.
struct ProcessorMetrics {
  Gauge in_flight;
  Gauge unresolved;
  Gauge breaker_open;  // 0, 1
  Gauge in_flight_cap;
  std::array<Counter, 8> outcomes;  // by upstream::PostOutcome
  Counter booked;
  Counter booked_cents;
  Histogram latency_us;     // of its answers
  Histogram forwarding_us;  // from a payment's acceptance to its booking
};

// Members: one for each figure that is exported.
struct alignas(64) ForwardMetrics {
  std::array<ProcessorMetrics, kProcessorSlots> processors;
  Counter retries;         // attempts after the first
  Counter rejected;        // ended REJECTED, for any reason
  Counter conflicts;       // of these: the id is known with another amount
  Counter elsewhere;       // duplicates whose claim another owner has
  Counter taken_over;      // claims of silent owners that repeats took over
  Counter contradictions;  // the books have it booked at another processor
  Counter fenced;          // replies that refused this opening of the table
  Gauge held;
  Gauge unresolved_oldest_ms;  // age of the oldest payment with unknown outcome, 0: none
  Histogram claim_batch, claim_us;
  Histogram record_batch, record_us;
  Counter fees_ppm_cents;        // sum of cents times fee in parts per million
  Counter least_fees_ppm_cents;  // the same with the lowest fee

  // Call it when the writer has stopped: nothing is held or in flight any more.
  void ClearGauges() {
    for (ProcessorMetrics& it : processors) {
      for (Gauge* gauge : {&it.in_flight, &it.unresolved, &it.breaker_open, &it.in_flight_cap}) {
        gauge->Set(0);
      }
    }
    held.Set(0);
    unresolved_oldest_ms.Set(0);
  }
};

}  // namespace tollgate::metrics

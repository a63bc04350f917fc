// The routing rule: a pure function from what is known of the processors and of the moment to a
// choice. The daemon, its tests and the schedule simulator call the same code. docs/ROUTING.md has
// the reasons and the measurements.
//
// Each processor is given an expected cost, in millionths of the amount: its fee, the time until
// the payment would be booked there at `delay_cost_ppm_per_s`, and what an audit may cost. The
// cheapest is chosen; if the payment would have to wait for it, it waits.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "tollgate/payments/payment.h"

namespace tollgate::forward {

// What keeps a processor from being chosen, or does not.
enum class Availability : uint8_t {
  kOpenForAll,     // eligible
  kProbeDue,       // the breaker is open, and lets one payment through now
  kBreakerOpen,    // the breaker is open, the next probe is at retry_at_ms
  kFull,           // its cap of payments in flight is reached
  kUnresolvedCap,  // too many payments with unknown outcome wait for it
};
const char* Name(Availability availability);

struct ProcessorView {
  payments::ProcessorId id = payments::kNoProcessor;
  int64_t fee_ppm = 0;
  Availability availability = Availability::kOpenForAll;
  int64_t retry_at_ms = 0;        // monotonic; with kBreakerOpen
  int64_t latency_ms = 0;         // estimate for a payment that is sent now
  int64_t recovers_in_ms = 0;     // while out of order or slow: for how long yet, as expected
  int64_t usual_latency_ms = 0;   // over the last minutes: what to expect after an outage
  int64_t unavailable_ppm = 0;    // share of the last minutes in which it could not take the queue
  bool sample_due = false;        // no recent sample: latency_ms is old
  bool reported_failing = false;  // its health, which is fresh, says failing
  bool stalled = false;           // no answer for much longer than usual: latency_ms is a minimum
  uint32_t in_flight = 0;
  uint32_t in_flight_cap = 0;
};

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// What is known apart from the processors.
struct Moment {
  int64_t now_ms = 0;   // monotonic
  int64_t wall_ms = 0;  // Unix: the bursts of all instances fall together
  int64_t age_ms = 0;   // the payment's
  uint32_t probes = 0;  // how often the payment was a probe before
  // The processor that answered 429 to the payment's last attempt: another one is preferred.
  payments::ProcessorId refused_by = payments::kNoProcessor;
  int64_t waiting = 0;                // payments in line behind it
  int64_t arrivals_per_s = 0;         // over the last second or so
  bool load_ended = false;            // payments have stopped coming
  int64_t other_unavailable_ppm = 0;  // of the processor that would take the payment now
  int64_t left_ms = kNever;           // until the business cutoff
};

struct PolicyOptions {
  // What a second in flight costs, in millionths of the amount. A second of waiting costs less: as
  // long as another processor would take the payment nothing is lost yet, so only as much as that
  // one is likely to be out of order or slow when it is needed.
  int64_t delay_cost_ppm_per_s = 5'000;
  // The longest that a payment waits for a cheaper processor than one that would take it.
  int64_t wait_for_cheaper_ms_max = 20'000;
  // A payment that was in flight longer than this, when it is booked, can be seen by an auditor who
  // compares the books up to this long ago: for the moment until its record. Those to a processor
  // that takes so long are therefore sent in bursts. 0: nobody looks.
  int64_t audit_lag_ms = 0;
};

// A payment is the probe of a processor at most so often while another one would take it.
inline constexpr uint32_t kProbesMax = 2;

struct Choice {
  payments::ProcessorId processor = payments::kNoProcessor;  // kNoProcessor: wait
  int64_t wait_until_ms = 0;  // monotonic; kNever: until something changes
  bool is_probe = false;      // it is sent to see whether the processor is back, or faster
};

using ChooseFunction = Choice (*)(std::span<const ProcessorView> views, const Moment& moment,
                                  const PolicyOptions& options);

// Views may come in any order, and be any number up to payments::kProcessorsMax.
Choice Choose(std::span<const ProcessorView> views, const Moment& moment,
              const PolicyOptions& options);

// The numbers behind the choice, for people.
struct CostEstimate {
  int64_t wait_ms = 0;   // until it would take the payment; kNever: it is not to be waited for
  int64_t cost_ppm = 0;  // expected, of the amount; kNever: it is out of the question
  bool ready = false;    // it would take the payment now
  bool crosses_audit = false;
  bool misses_cutoff = false;
};
CostEstimate EstimateCost(const ProcessorView& view, const Moment& moment,
                          const PolicyOptions& options);
// moment.other_unavailable_ppm as Choose sets it, from the best that would take the payment now; a
// whole if there is none.
int64_t UnavailableOfBestReady(std::span<const ProcessorView> views, const Moment& moment,
                               const PolicyOptions& options);

}  // namespace tollgate::forward

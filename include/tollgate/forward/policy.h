// The routing rule: a pure function from the state of the processors and of the moment to a choice.
// The daemon, its tests and the schedule simulator call the same code. docs/ROUTING.md has the
// reasons and the measurements.
//
// Each processor gets an expected cost, in millionths of the amount: its fee, the time until the
// payment would be booked there at `delay_cost_ppm_per_s`, and the cost of an audit. The cheapest
// is chosen. If the payment must wait for it, it waits.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "tollgate/payments/payment.h"

namespace tollgate::forward {

// What keeps a processor from being chosen, if anything.
enum class Availability : uint8_t {
  kOpenForAll,     // eligible
  kProbeDue,       // the breaker is open and lets one payment through now
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
  int64_t latency_ms = 0;         // latency estimate for a payment that is sent now
  int64_t recovers_in_ms = 0;     // expected rest of an outage or slow time
  int64_t usual_latency_ms = 0;   // over the last minutes: expected after an outage
  int64_t unavailable_ppm = 0;    // share of the last minutes in which it could not take the queue
  bool sample_due = false;        // no recent sample, so latency_ms is old
  bool reported_failing = false;  // a recent health answer says failing
  bool stalled = false;  // no answer for much longer than usual, so latency_ms is a minimum
  // It has not answered for longer than usual and will count as stalled in so many ms; 0: no pause.
  int64_t pause_left_ms = 0;
  uint32_t in_flight = 0;
  uint32_t in_flight_cap = 0;
};

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// What is known besides the processors.
struct Moment {
  int64_t now_ms = 0;   // monotonic
  int64_t wall_ms = 0;  // Unix; it aligns the bursts of all instances
  // Of the second: when bursts are booked, as the audit calendar says; or kSpreadPhase.
  int64_t burst_phase_ms = 700;
  int64_t age_ms = 0;   // of the payment
  uint32_t probes = 0;  // how often the payment was a probe before
  // The processor that answered 429 to the payment's last attempt. Another one is preferred.
  payments::ProcessorId refused_by = payments::kNoProcessor;
  int64_t waiting = 0;                // payments queued behind it
  int64_t arrivals_per_s = 0;         // over about the last second
  bool load_ended = false;            // no more payments arrive
  int64_t other_unavailable_ppm = 0;  // of the processor that would take the payment now
  int64_t left_ms = kNever;           // until the business cutoff
  // False: the choice is for people. It is made as if no payment had to wait for a departure, or
  // for the end of a pause; those come and go many times a second.
  bool may_hold = true;
};

struct PolicyOptions {
  // The cost of a second in flight, in millionths of the amount. A second of waiting costs less:
  // nothing is lost as long as another processor could take the payment. So it costs only the share
  // of time in which that one is out of order or slow.
  int64_t delay_cost_ppm_per_s = 5'000;
  // The longest that a payment waits for a cheaper processor while another would take it.
  int64_t wait_for_cheaper_ms_max = 20'000;
  // Auditors compare the books with the processors up to this long ago. They can see a payment that
  // was in flight for longer, in the time from its booking until its record. Payments to a
  // processor that is slower than this are therefore sent in bursts. 0: no audits.
  int64_t audit_lag_ms = 0;
};

// The most times that a payment is a probe while another processor would take it.
inline constexpr uint32_t kProbesMax = 2;

struct Choice {
  payments::ProcessorId processor = payments::kNoProcessor;  // kNoProcessor: wait
  int64_t wait_until_ms = 0;  // monotonic; kNever: until something changes
  bool is_probe = false;      // it is sent to see whether the processor is back or faster
};

using ChooseFunction = Choice (*)(std::span<const ProcessorView> views, const Moment& moment,
                                  const PolicyOptions& options);

// The views may be in any order, and up to payments::kProcessorsMax.
Choice Choose(std::span<const ProcessorView> views, const Moment& moment,
              const PolicyOptions& options);

// The numbers behind a choice, for people.
struct CostEstimate {
  int64_t wait_ms = 0;   // until it would take the payment; kNever: do not wait for it
  int64_t cost_ppm = 0;  // expected, of the amount; kNever: it cannot be chosen
  bool ready = false;    // it would take the payment now
  bool crosses_audit = false;
  bool misses_cutoff = false;
};
CostEstimate EstimateCost(const ProcessorView& view, const Moment& moment,
                          const PolicyOptions& options);
// moment.other_unavailable_ppm as Choose sets it, from the best processor that would take the
// payment now. One million if there is none.
int64_t UnavailableOfBestReady(std::span<const ProcessorView> views, const Moment& moment,
                               const PolicyOptions& options);

}  // namespace tollgate::forward

// The audit calendar: from when auditors came, the moment of each second at which payments that
// cross an audit are booked.
//
// An auditor who comes every so many whole seconds comes at the same phase of the second each time.
// One whose clock drifts moves by a few milliseconds from visit to visit. So the bursts fall where
// the last visits are farthest away, and one visit is enough to know. Instances that know the same
// visits choose the same phase without talking.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <span>

namespace tollgate::forward {

// How long a burst lasts.
inline constexpr int64_t kBurstMs = 20;
// As burst_phase_ms: no visit is known. The phase is then another one in each ten seconds, the same
// for all instances.
inline constexpr int64_t kSpreadPhase = -1;

// The phase of the second, in ms, at which bursts begin to be booked. `visits_ms`: Unix, any order.
int64_t BurstPhaseMs(std::span<const int64_t> visits_ms);

// Departures. A processor that is slow already may turn slower than an audit's lag while payments
// are on their way to it; that is seen only when the answers of those sent before are in. Until
// then payments are booked across an audit, at moments that nobody could choose. What leaves
// together is booked together, and differs for an auditor at few moments instead of at all.
//
// How long a departure lasts.
inline constexpr int64_t kDepartureMs = 10;
// A quicker processor has no departures, in ms.
inline constexpr int64_t kDepartureLatencyMs = 50;
// Until the next departure to a processor that answers after `latency_ms`; `wall_ms`: Unix, so that
// all instances send together. 0: it is now, or the processor is so quick that it has none. The
// wait is shorter than the latency.
int64_t NextDepartureInMs(int64_t wall_ms, int64_t latency_ms);

// Until the next burst for what would be booked at `booked_ms` (Unix); 0: it is now.
int64_t NextBurstInMs(int64_t booked_ms, int64_t burst_phase_ms);

}  // namespace tollgate::forward

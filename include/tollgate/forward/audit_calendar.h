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

// Until the next burst for what would be booked at `booked_ms` (Unix); 0: it is now.
int64_t NextBurstInMs(int64_t booked_ms, int64_t burst_phase_ms);

}  // namespace tollgate::forward

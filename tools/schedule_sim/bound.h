// The omniscient bound: the most money that any router could keep on a schedule, however much it
// knew. Only three things bind it: a payment cannot be sent before it is posted; a send is booked
// only if its processor does not fail at the end of its delay, and that is before the cutoff; a
// processor runs at most 800 at once, so at most 800 begin within any time as long as its delay.
//
// Everything else is relaxed in the router's favour (no latency, no limits of the gateway, windows
// of different delays do not hinder each other), so it is never below what can be reached. As every
// payment is of the same amount and the earlier one is always the more flexible, the sends that
// can be served form a transversal matroid (Edmonds and Fulkerson 1965): taking windows greedily,
// cheaper processors first, is the exact optimum of the relaxed problem.
//
// Thread: pure.
#pragma once

#include <cstddef>
#include <vector>

#include "schedule_sim/schedule.h"

namespace tollgate::schedule {

// A stretch of time within which at most `capacity` sends that will be booked can begin, the last
// of them no later than `end_ms`.
struct Window {
  double end_ms = 0;
  size_t capacity = 0;
};

inline constexpr size_t kRunningMax = 800;

// Of one processor, by end_ms.
std::vector<Window> WindowsOf(const Behaviour& behaviour, int64_t cutoff_ms);

struct Bound {
  std::vector<size_t> booked;  // by processor
  size_t lost = 0;
};

// The best division of `arrivals` (ascending); REQUIRES: processors in the order of their fees.
Bound BestDivision(const std::vector<double>& arrivals,
                   const std::vector<std::vector<Window>>& windows);

// As a share of "all at the low fee, none lost".
double BoundShare(const Schedule& schedule, const std::vector<double>& arrivals);
// The same measure of any division.
double ShareOf(const Fees& fees, const std::vector<size_t>& booked, size_t accepted);

}  // namespace tollgate::schedule

// The routing rules that are compared: the daemon's own and what others do.
//
// Thread: pure.
#pragma once

#include <vector>

#include "schedule_sim/run.h"

namespace tollgate::schedule {

inline constexpr const char* kDaemonsRule = "expected cost, audit-safe";  // as it is by default
inline constexpr const char* kWithoutAudits = "expected cost";            // AUDIT_LAG=0
// The daemon told when the day ends: CUTOFF, DELAY_COST=0, MAX_WAIT longer than the day.
inline constexpr const char* kDaemonsKnownEnd = "audit-safe, cutoff known";

// All of them, the daemon's as it is by default last.
std::vector<Rule> AllRules(const Schedule& schedule);

}  // namespace tollgate::schedule

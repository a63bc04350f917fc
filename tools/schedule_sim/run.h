// One run of a schedule under a rule: arrivals, gateways, processors, audits, the end.
//
// Thread: one at a time; several runs may go on in several threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schedule_sim/auditors.h"
#include "schedule_sim/instance.h"
#include "schedule_sim/schedule.h"
#include "tollgate/forward/forwarder.h"

namespace tollgate::schedule {

// A routing rule with its parameters, by name.
struct Rule {
  std::string name;
  forward::ForwarderOptions options;  // processors, shares and seeds are filled in by the run
};

struct RunOptions {
  size_t instances = 2;
  size_t in_flight_max = 350;  // per processor and instance
  size_t slots = 65'536;
  uint64_t seed = 1;
  std::optional<Fees> believed;  // what the gateways are told; empty: the true fees
  Costs costs;
  // How long a summary waits for what was confirmed before it was asked for (the daemon's
  // SUMMARY_WAIT); 0: it has what is recorded.
  int64_t summary_wait_ms = 100;
  // When an auditor asks one of the gateways for a summary, each in turn: ns since the start.
  std::vector<int64_t> visits_ns;
};

struct Outcome {
  size_t accepted = 0;
  std::vector<size_t> booked;  // by processor, by the cutoff
  size_t refused = 0;          // the table was full
  // How likely an auditor who comes every 10 s, from a random moment on, sees a difference.
  double audit_risk = 0;
  // When an auditor who comes then sees a difference; ascending and disjoint.
  std::vector<Stretch> unsafe;
  double share = 0;       // of "all at the low fee, none lost"
  double longest_ms = 0;  // from a payment's arrival to its booking, or to the end without
  double score() const { return share * (1 - 0.35 * audit_risk); }
};

Outcome Run(const Schedule& schedule, const std::vector<double>& arrivals, const Rule& rule,
            const RunOptions& options);

}  // namespace tollgate::schedule

// Report: the outcomes of many runs, as a table for people and as lines for plots.
//
// Thread: one.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "schedule_sim/run.h"

namespace tollgate::schedule {

// A run with an auditor.
struct Audited {
  std::string auditor;
  size_t visits = 0;
  size_t differing = 0;  // of them
  double share = 0;
};

struct Row {
  std::string schedule;  // "preview", "final", "random" or "sparse"
  uint64_t seed = 0;
  Fees fees;
  std::string rule;
  double bound = 0;  // the omniscient one, as a share
  Outcome outcome;
  std::vector<Audited> audited;  // by auditor
};

// Per schedule and fees, a line per rule: mean share, that of the worst tenth of the runs by share,
// mean distance from the bound and its worst tenth, risk of a difference at an audit.
std::string Table(const std::vector<Row>& rows);
// Per schedule, fees and rule, a line per auditor: how many of a thousand runs have a visit that
// sees a difference, how many of a thousand visits see one, and the mean share.
std::string AuditTable(const std::vector<Row>& rows);
// CSV with a header.
std::string Lines(const std::vector<Row>& rows);

}  // namespace tollgate::schedule

// Auditors: who compares the books with the processors, when they come, and what they see.
//
// Thread: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::schedule {

struct Auditor {
  std::string name;
  double period_ms = 0;
  bool random = false;  // the gaps are exponential, and `period_ms` is their mean
};

// Every 5, 10 and 15 s; every 10.013 s, so that the phase of the second drifts; at random moments.
const std::vector<Auditor>& AllAuditors();

// When one comes in a run of `end_ms`, in nanoseconds since its start, ascending. The first comes
// within a period; consecutive seeds spread that moment evenly over the period, and over the
// second.
std::vector<int64_t> VisitsNs(const Auditor& auditor, uint64_t seed, int64_t end_ms);

// [from, to) in nanoseconds since the start of the run.
using Stretch = std::pair<int64_t, int64_t>;

// The same moments, ascending and disjoint.
std::vector<Stretch> Merged(std::vector<Stretch> stretches);

// How many of the visits fall into one of the stretches. REQUIRES: both ascending, the stretches
// disjoint.
size_t VisitsIn(const std::vector<int64_t>& visits_ns, const std::vector<Stretch>& stretches);

}  // namespace tollgate::schedule

#include "schedule_sim/auditors.h"

#include <algorithm>
#include <cmath>

#include "tollgate/base/random.h"

namespace tollgate::schedule {

const std::vector<Auditor>& AllAuditors() {
  static const std::vector<Auditor> all{{.name = "5 s", .period_ms = 5'000},
                                        {.name = "10 s", .period_ms = 10'000},
                                        {.name = "15 s", .period_ms = 15'000},
                                        {.name = "10.013 s", .period_ms = 10'013},
                                        {.name = "random", .period_ms = 10'000, .random = true}};
  return all;
}

std::vector<int64_t> VisitsNs(const Auditor& auditor, uint64_t seed, int64_t end_ms) {
  constexpr double kGoldenRatio = 0.61803398874989485;  // its multiples are spread evenly
  constexpr double kNsPerMs = 1e6;
  base::Random random(seed ^ 0xA0D17U);
  const auto gap_ms = [&] {
    const double uniform = static_cast<double>(random.Next() >> 11U) * 0x1.0p-53;
    return auditor.random ? -auditor.period_ms * std::log(1.0 - uniform) : auditor.period_ms;
  };
  const double turns = static_cast<double>(seed) * kGoldenRatio;
  std::vector<int64_t> visits;
  double at_ms = auditor.random ? gap_ms() : auditor.period_ms * (turns - std::floor(turns));
  for (; at_ms < static_cast<double>(end_ms); at_ms += gap_ms()) {
    visits.push_back(static_cast<int64_t>(at_ms * kNsPerMs));
  }
  return visits;
}

std::vector<Stretch> Merged(std::vector<Stretch> stretches) {
  std::sort(stretches.begin(), stretches.end());
  std::vector<Stretch> merged;
  for (const Stretch& stretch : stretches) {
    if (merged.empty() || merged.back().second < stretch.first) {
      merged.push_back(stretch);
    } else {
      merged.back().second = std::max(merged.back().second, stretch.second);
    }
  }
  return merged;
}

size_t VisitsIn(const std::vector<int64_t>& visits_ns, const std::vector<Stretch>& stretches) {
  size_t count = 0;
  auto stretch = stretches.begin();
  for (const int64_t visit : visits_ns) {
    while (stretch != stretches.end() && stretch->second <= visit) ++stretch;
    if (stretch != stretches.end() && stretch->first <= visit) ++count;
  }
  return count;
}

}  // namespace tollgate::schedule

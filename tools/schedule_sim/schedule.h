// Schedule: one run as the simulator and the bound see it: who posts when, how each processor
// behaves at every moment, the fees, the audits and the end. The two public schedules, and random
// ones from a seed (docs/ROUTING.md has the distributions).
//
// Thread: a value type; none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tollgate/base/random.h"

namespace tollgate::schedule {

inline constexpr size_t kProcessors = 2;  // 0 has the low fee

// How a processor behaves from `from_ms` until the next segment.
struct Segment {
  int64_t from_ms = 0;
  int64_t delay_ms = 0;
  bool failing = false;
};

// By from_ms, the first at 0.
using Behaviour = std::vector<Segment>;

const Segment& At(const Behaviour& behaviour, int64_t now_ms);

struct Fees {
  std::array<int64_t, kProcessors> ppm{};
};
inline constexpr Fees kFees5And15{{50'000, 150'000}};
inline constexpr Fees kFees7And10{{70'000, 100'000}};

struct Schedule {
  std::string name;
  int64_t load_ms = 0;    // users ramp linearly from 1 to `users` over this
  int64_t cutoff_ms = 0;  // what is not booked by then is lost
  int64_t users = 0;
  int64_t lone_every_ms = 0;  // not 0: instead of users, a payment now and then, so far apart
  int64_t audit_lag_ms = 0;
  Fees fees;
  std::array<Behaviour, kProcessors> processors;
};

// Users sleep 1 s after their last payment; the run is over when the last of them wakes.
inline constexpr int64_t kAfterLoadMs = 1'000;

Schedule Preview();
Schedule Final();

// Families of random schedules.
enum class Family : uint8_t {
  kStaged,   // as the public ones: both change together, at equal steps
  kRenewal,  // outages and delays come and go on their own, log-normal outage lengths
  kTurning,  // the cheaper one turns slow and quick again, under load, and nothing fails
  kSparse,   // as these, with outages ten times as long, and a payment every few seconds
};
Schedule Random(uint64_t seed, Family family, const Fees& fees);
// Half of the seeds each; sparse ones are asked for by name.
inline Family FamilyOf(uint64_t seed) { return seed % 2 == 0 ? Family::kStaged : Family::kRenewal; }

// When the payments are posted, in milliseconds, ascending: each user begins on the ramp, posts,
// waits for the answer (1 to 3 ms), sleeps 1 s.
std::vector<double> Arrivals(const Schedule& schedule, uint64_t seed);

}  // namespace tollgate::schedule

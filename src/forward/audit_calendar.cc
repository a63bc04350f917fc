#include "tollgate/forward/audit_calendar.h"

#include <algorithm>
#include <array>

namespace tollgate::forward {
namespace {

constexpr int64_t kSecondMs = 1'000;
constexpr int64_t kSpreadEveryMs = 10'000;

// `value` modulo the second, also of what is below 0.
int64_t PhaseOf(int64_t value_ms) { return (value_ms % kSecondMs + kSecondMs) % kSecondMs; }

// The second is a circle.
int64_t DistanceMs(int64_t phase_a, int64_t phase_b) {
  const int64_t apart_ms = PhaseOf(phase_a - phase_b);
  return std::min(apart_ms, kSecondMs - apart_ms);
}

// Any phase as likely as any other (the finalizer of MurmurHash3, Appleby 2011).
int64_t SpreadPhaseMs(int64_t booked_ms) {
  auto mixed = static_cast<uint64_t>(booked_ms / kSpreadEveryMs);
  mixed = (mixed ^ (mixed >> 33U)) * 0xFF51AFD7ED558CCDU;
  mixed = (mixed ^ (mixed >> 33U)) * 0xC4CEB9FE1A85EC53U;
  mixed ^= mixed >> 33U;
  return static_cast<int64_t>(mixed % (kSecondMs / kBurstMs)) * kBurstMs;
}

}  // namespace

int64_t BurstPhaseMs(std::span<const int64_t> visits_ms) {
  if (visits_ms.empty()) return kSpreadPhase;
  int64_t best = 0;
  int64_t best_ms = -1;
  for (int64_t phase = 0; phase < kSecondMs; phase += kBurstMs) {
    int64_t nearest_ms = kSecondMs;
    for (const int64_t visit_ms : visits_ms) {
      nearest_ms = std::min(nearest_ms, DistanceMs(phase + kBurstMs / 2, PhaseOf(visit_ms)));
    }
    if (nearest_ms <= best_ms) continue;
    best = phase;
    best_ms = nearest_ms;
  }
  return best;
}

int64_t NextDepartureInMs(int64_t wall_ms, int64_t latency_ms) {
  constexpr std::array<int64_t, 3> kEveryMs{200, 100, kDepartureLatencyMs};
  const auto* const every =
      std::find_if(kEveryMs.begin(), kEveryMs.end(), [&](int64_t it) { return latency_ms >= it; });
  if (every == kEveryMs.end()) return 0;
  const int64_t since_ms = PhaseOf(wall_ms) % *every;
  return since_ms < kDepartureMs ? 0 : *every - since_ms;
}

int64_t NextBurstInMs(int64_t booked_ms, int64_t burst_phase_ms) {
  const int64_t phase = burst_phase_ms == kSpreadPhase ? SpreadPhaseMs(booked_ms) : burst_phase_ms;
  const int64_t since_ms = PhaseOf(booked_ms - phase);
  return since_ms < kBurstMs ? 0 : kSecondMs - since_ms;
}

}  // namespace tollgate::forward

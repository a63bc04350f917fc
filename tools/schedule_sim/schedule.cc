#include "schedule_sim/schedule.h"

#include <algorithm>
#include <cmath>

#include "tollgate/base/assert.h"

namespace tollgate::schedule {
namespace {

struct Stage {
  int64_t from_s;
  int64_t delay_ms;
  bool failing;
  int64_t fallback_delay_ms;
  bool fallback_failing;
};

Schedule FromStages(std::string name, const std::vector<Stage>& stages) {
  Schedule schedule;
  schedule.name = std::move(name);
  for (auto& behaviour : schedule.processors) behaviour.push_back({});
  for (const Stage& stage : stages) {
    const int64_t from_ms = stage.from_s * 1000;
    schedule.processors[0].push_back({from_ms, stage.delay_ms, stage.failing});
    schedule.processors[1].push_back({from_ms, stage.fallback_delay_ms, stage.fallback_failing});
  }
  return schedule;
}

// --- Random schedules

double Uniform(base::Random& random) {
  return static_cast<double>(random.Next() >> 11U) * 0x1.0p-53;
}
double Between(base::Random& random, double low, double high) {
  return low + (high - low) * Uniform(random);
}
double LogBetween(base::Random& random, double low, double high) {
  return std::exp(Between(random, std::log(low), std::log(high)));
}
double Exponential(base::Random& random, double mean) {
  return -mean * std::log(1.0 - Uniform(random));
}
double Normal(base::Random& random) {  // Box and Muller 1958
  const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform(random)));
  return radius * std::cos(2.0 * 3.14159265358979323846 * Uniform(random));
}

// What tells the two processors apart: how often they fail, and how often they are how slow.
struct Character {
  double failing;                // share of the time
  std::array<double, 4> delays;  // shares of: below 20 ms, to 200 ms, to 1.5 s, to 5 s
};
constexpr std::array<Character, kProcessors> kCharacters{
    {{0.25, {0.35, 0.30, 0.20, 0.15}}, {0.125, {0.60, 0.20, 0.10, 0.10}}}};

int64_t DrawDelay(base::Random& random, const Character& character) {
  double rest = Uniform(random);
  size_t kind = 0;
  while (kind + 1 < character.delays.size() && rest >= character.delays[kind]) {
    rest -= character.delays[kind++];
  }
  switch (kind) {
    case 0:
      return std::llround(Between(random, 0, 20));
    case 1:
      return std::llround(LogBetween(random, 20, 200));
    case 2:
      return std::llround(LogBetween(random, 200, 1'500));
    default:
      return std::llround(Between(random, 1'500, 5'000));
  }
}

void DrawStages(base::Random& random, Schedule& schedule) {
  constexpr std::array<int64_t, 5> kStepsMs{5'000, 10'000, 15'000, 20'000, 30'000};
  const int64_t step_ms = kStepsMs[random.Below(kStepsMs.size())];
  for (int64_t at = 0; at < schedule.cutoff_ms; at += step_ms) {
    for (size_t i = 0; i < kProcessors; ++i) {
      const bool failing = Uniform(random) < kCharacters[i].failing;
      schedule.processors[i].push_back({at, DrawDelay(random, kCharacters[i]), failing});
    }
  }
}

// Outages log-normal with a median of 12 s and a mean of about 20 s; working times exponential,
// so that the share of failing is the character's; delays change every 20 s on average.
void DrawRenewals(base::Random& random, const Character& character, int64_t end_ms,
                  Behaviour& behaviour, double median_s = 12.0) {
  constexpr double kSigma = 1.0;
  const double mean_outage_s = median_s * std::exp(kSigma * kSigma / 2);
  const double mean_work_s = mean_outage_s * (1 - character.failing) / character.failing;
  bool failing = Uniform(random) < character.failing;
  const auto stay_ms = [&] {
    const double s =
        failing ? median_s * std::exp(kSigma * Normal(random)) : Exponential(random, mean_work_s);
    return std::max<int64_t>(1, std::llround(s * 1000));
  };
  int64_t turn_ms = stay_ms();
  int64_t change_ms = 0;
  int64_t delay_ms = 0;
  for (int64_t at = 0; at < end_ms; at = std::min(turn_ms, change_ms)) {
    if (at >= change_ms) {
      delay_ms = DrawDelay(random, character);
      change_ms = at + std::max<int64_t>(1, std::llround(Exponential(random, 20'000)));
    }
    if (at >= turn_ms) {
      failing = !failing;
      turn_ms = at + stay_ms();
    }
    behaviour.push_back({at, delay_ms, failing});
  }
}

// The cheaper one is quick for 5 to 20 s and then slow for as long, the dearer one quick, and slow
// for one such time in four.
void DrawTurns(base::Random& random, Schedule& schedule) {
  bool slow = false;
  for (int64_t at = 0; at < schedule.cutoff_ms; slow = !slow) {
    const auto quick_ms = [&] { return std::llround(Between(random, 0, 100)); };
    const auto slow_ms = [&] { return std::llround(Between(random, 1'500, 4'000)); };
    schedule.processors[0].push_back({at, slow ? slow_ms() : quick_ms(), false});
    schedule.processors[1].push_back({at, random.OneIn(4) ? slow_ms() : quick_ms(), false});
    at += std::llround(Between(random, 5'000, 20'000));
  }
}

}  // namespace

const Segment& At(const Behaviour& behaviour, int64_t now_ms) {
  const auto after =
      std::upper_bound(behaviour.begin(), behaviour.end(), now_ms,
                       [](int64_t now, const Segment& segment) { return now < segment.from_ms; });
  TG_ASSERT(after != behaviour.begin());
  return *(after - 1);
}

Schedule Preview() {
  Schedule schedule = FromStages("preview", {{1, 0, false, 0, false},
                                             {10, 100, false, 0, false},
                                             {20, 100, true, 0, false},
                                             {30, 2000, true, 1000, true},
                                             {40, 20, false, 20, false},
                                             {50, 0, false, 5000, false}});
  schedule.load_ms = 60'000;
  schedule.cutoff_ms = schedule.load_ms + kAfterLoadMs;
  schedule.users = 550;
  schedule.audit_lag_ms = 1'500;
  schedule.fees = kFees5And15;
  return schedule;
}

Schedule Final() {
  Schedule schedule = FromStages("final", {{1, 0, false, 0, false},
                                           {30, 1000, false, 0, false},
                                           {60, 500, false, 0, false},
                                           {90, 2000, true, 1000, false},
                                           {120, 5000, true, 5, false},
                                           {150, 0, false, 5, true},
                                           {180, 100, false, 5, false},
                                           {210, 50, false, 0, false},
                                           {240, 103, false, 10, false},
                                           {270, 2000, false, 0, false}});
  schedule.load_ms = 300'000;
  schedule.cutoff_ms = schedule.load_ms + kAfterLoadMs;
  schedule.users = 603;
  schedule.audit_lag_ms = 2'000;
  schedule.fees = kFees7And10;
  return schedule;
}

Schedule Random(uint64_t seed, Family family, const Fees& fees) {
  base::Random random(seed * 0x9E3779B97F4A7C15U + 1);
  Schedule schedule;
  schedule.name = "random-" + std::to_string(seed);
  schedule.load_ms = std::llround(LogBetween(random, 60'000, 300'000));
  schedule.cutoff_ms = schedule.load_ms + kAfterLoadMs;
  schedule.users = 400 + static_cast<int64_t>(random.Below(301));
  schedule.audit_lag_ms = random.OneIn(2) ? 1'500 : 2'000;
  schedule.fees = fees;
  if (family == Family::kSparse) {
    schedule.load_ms = 900'000;
    // Whoever comes last may still wait for as long as it may.
    schedule.cutoff_ms = schedule.load_ms + 30'000;
    schedule.users = 0;
    schedule.lone_every_ms = std::llround(LogBetween(random, 1'000, 10'000));
    for (size_t i = 0; i < kProcessors; ++i) {
      DrawRenewals(random, kCharacters[i], schedule.cutoff_ms, schedule.processors[i], 120.0);
    }
  } else if (family == Family::kTurning) {
    DrawTurns(random, schedule);
  } else if (family == Family::kStaged) {
    DrawStages(random, schedule);
  } else {
    for (size_t i = 0; i < kProcessors; ++i) {
      DrawRenewals(random, kCharacters[i], schedule.cutoff_ms, schedule.processors[i]);
    }
  }
  return schedule;
}

std::vector<double> Arrivals(const Schedule& schedule, uint64_t seed) {
  base::Random random(seed);
  std::vector<double> arrivals;
  const auto load_ms = static_cast<double>(schedule.load_ms);
  if (schedule.lone_every_ms != 0) {
    const auto every_ms = static_cast<double>(schedule.lone_every_ms);
    for (double at = Exponential(random, every_ms); at < load_ms;) {
      arrivals.push_back(at);
      at += Exponential(random, every_ms);
    }
    return arrivals;
  }
  for (int64_t user = 0; user < schedule.users; ++user) {
    double at = load_ms * static_cast<double>(user) / static_cast<double>(schedule.users);
    for (; at < load_ms; at += 1'000 + Between(random, 1, 3)) arrivals.push_back(at);
  }
  std::sort(arrivals.begin(), arrivals.end());
  return arrivals;
}

}  // namespace tollgate::schedule

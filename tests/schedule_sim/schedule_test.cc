// The schedule simulator: its bound is a bound, and the daemon's rule keeps what docs/ROUTING.md
// says.
//
// TOLLGATE_SCHEDULE_SEEDS sets the number of random schedules per pair of fees.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "schedule_sim/auditors.h"
#include "schedule_sim/bound.h"
#include "schedule_sim/rules.h"
#include "tollgate/base/random.h"

namespace tollgate::schedule {
namespace {

// Not among the seeds with which the parameters were chosen (docs/ROUTING.md).
constexpr uint64_t kFirstSeed = 9'001;

uint64_t Seeds() {
  const char* const text = std::getenv("TOLLGATE_SCHEDULE_SEEDS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 12;
}

// The most that any division can keep, found by trying all divisions.
double BestByTrying(const Fees& fees, const std::vector<double>& arrivals,
                    const std::vector<std::vector<Window>>& windows) {
  // Each payment goes into a window that ends after it came, or nowhere.
  std::vector<std::vector<size_t>> left;
  for (const auto& each : windows) {
    left.emplace_back();
    for (const Window& window : each) left.back().push_back(window.capacity);
  }
  std::vector<size_t> booked(windows.size(), 0);
  double best = 0;
  const auto place = [&](auto&& self, size_t payment) -> void {
    if (payment == arrivals.size()) {
      best = std::max(best, ShareOf(fees, booked, arrivals.size()));
      return;
    }
    self(self, payment + 1);
    for (size_t p = 0; p < windows.size(); ++p) {
      for (size_t w = 0; w < windows[p].size(); ++w) {
        if (left[p][w] == 0 || windows[p][w].end_ms < arrivals[payment]) continue;
        --left[p][w];
        ++booked[p];
        self(self, payment + 1);
        --booked[p];
        ++left[p][w];
      }
    }
  };
  place(place, 0);
  return best;
}

TEST(Bound, IsTheBestOfAllDivisions) {
  base::Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> arrivals;
    for (uint64_t i = 0, n = 1 + random.Below(5); i < n; ++i) {
      arrivals.push_back(static_cast<double>(random.Below(100)));
    }
    std::sort(arrivals.begin(), arrivals.end());
    std::vector<std::vector<Window>> windows(2);
    for (auto& each : windows) {
      for (uint64_t i = 0, n = random.Below(3); i < n; ++i) {
        each.push_back({static_cast<double>(random.Below(120)), 1 + random.Below(2)});
      }
      std::sort(each.begin(), each.end(),
                [](const Window& a, const Window& b) { return a.end_ms < b.end_ms; });
    }
    const double bound =
        ShareOf(kFees5And15, BestDivision(arrivals, windows).booked, arrivals.size());
    EXPECT_NEAR(bound, BestByTrying(kFees5And15, arrivals, windows), 1e-9) << "round " << round;
  }
}

TEST(Bound, SendsThatEndWhileTheProcessorFailsAreWorthNothing) {
  Schedule schedule;
  schedule.cutoff_ms = 10'000;
  schedule.fees = kFees5And15;
  schedule.processors[0] = {{.from_ms = 0, .delay_ms = 1'000}, {.from_ms = 5'000, .failing = true}};
  schedule.processors[1] = {{.from_ms = 0, .failing = true}};
  EXPECT_NEAR(BoundShare(schedule, {3'000}), 1, 1e-9);
  EXPECT_NEAR(BoundShare(schedule, {4'500}), 0, 1e-9) << "it would be answered in the outage";
  schedule.processors[1] = {{.from_ms = 0}};
  EXPECT_NEAR(BoundShare(schedule, {4'500}), 0.85 / 0.95, 1e-9);
}

struct Sum {
  double share = 0;
  double score = 0;
  double behind = 0;
  size_t runs = 0;
};

TEST(Rules, NoneBeatsTheBoundAndTheDaemonsIsTheBestOfThem) {
  std::map<std::string, Sum> sums;
  for (const Fees& fees : {kFees7And10, kFees5And15}) {
    for (uint64_t seed = kFirstSeed; seed < kFirstSeed + Seeds(); ++seed) {
      const Schedule schedule = Random(seed, FamilyOf(seed), fees);
      const std::vector<double> arrivals = Arrivals(schedule, seed);
      const double bound = BoundShare(schedule, arrivals);
      for (const Rule& rule : AllRules(schedule)) {
        RunOptions options;
        options.seed = seed;
        const Outcome outcome = schedule::Run(schedule, arrivals, rule, options);
        size_t booked = 0;
        for (const size_t count : outcome.booked) booked += count;
        ASSERT_LE(booked, outcome.accepted) << rule.name << ", seed " << seed;
        ASSERT_LE(outcome.share, bound) << rule.name << ", seed " << seed;
        Sum& sum = sums[rule.name];
        sum.share += outcome.share;
        sum.score += outcome.score();
        sum.behind += bound - outcome.share;
        ++sum.runs;
      }
    }
  }
  for (auto& [name, sum] : sums) {
    const auto runs = static_cast<double>(sum.runs);
    std::printf("    %-28s %6.2f %%, %5.2f behind the bound, score %6.2f\n", name.c_str(),
                100 * sum.share / runs, 100 * sum.behind / runs, 100 * sum.score / runs);
  }
  for (const char* const other : {"default only", "fastest wins", "at most 150 ms slower",
                                  "faster than 1 s", "at most 3 times slower", "cheapest ready"}) {
    EXPECT_GT(sums.at(kDaemonsRule).score, sums.at(other).score) << other;
    EXPECT_GT(sums.at(kWithoutAudits).share, sums.at(other).share) << other;
  }
  EXPECT_GT(sums.at(kDaemonsKnownEnd).score, sums.at(kDaemonsRule).score)
      << "patience, and no loss";
  const Sum& ours = sums.at(kWithoutAudits);
  EXPECT_LT(ours.behind / static_cast<double>(ours.runs), 0.03);
}

double ShareOnPublic(const Schedule& schedule, const std::string& name,
                     std::optional<Fees> believed = {}) {
  const std::vector<double> arrivals = Arrivals(schedule, 1);
  RunOptions options;
  options.believed = believed;
  for (const Rule& rule : AllRules(schedule)) {
    if (rule.name == name) return Run(schedule, arrivals, rule, options).share;
  }
  return 0;
}

TEST(Rules, TheDaemonsOnThePublicSchedules) {
  EXPECT_GE(ShareOnPublic(Preview(), kDaemonsRule), 0.995);
  EXPECT_GE(ShareOnPublic(Final(), kDaemonsRule), 0.988);
  EXPECT_GE(ShareOnPublic(Preview(), kDaemonsKnownEnd), 0.995);
  EXPECT_GE(ShareOnPublic(Final(), kDaemonsKnownEnd), 0.992);
}

// Nobody has to tell the gateway the fees: the defaults are 5/15, and the final's are 7/10.
TEST(Rules, WrongFeesCostLittleOnThePublicSchedules) {
  constexpr double kNear = 0.003;
  EXPECT_NEAR(ShareOnPublic(Final(), kDaemonsRule, kFees5And15),
              ShareOnPublic(Final(), kDaemonsRule), kNear);
  EXPECT_NEAR(ShareOnPublic(Preview(), kDaemonsRule, kFees7And10),
              ShareOnPublic(Preview(), kDaemonsRule), kNear);
  constexpr Fees kTheWrongWayRound{{150'000, 50'000}};
  EXPECT_LT(ShareOnPublic(Final(), kDaemonsRule, kTheWrongWayRound), 0.98)
      << "a gateway does what it believes";
}

// In how many ms an auditor would see a difference when the cheaper one, which took `before_ms`,
// turns slower than the audit's lag under load. The bursts of later seconds are another matter: an
// auditor's visits keep them away.
double UnsafeMsWhenItTurnsSlow(int64_t before_ms) {
  constexpr int64_t kTurnsMs = 40'000;
  constexpr int64_t kAfterMs = 4'000;
  Schedule schedule;
  schedule.load_ms = 60'000;
  schedule.cutoff_ms = 70'000;
  schedule.users = 600;
  schedule.audit_lag_ms = 1'500;
  schedule.fees = kFees5And15;
  schedule.processors[0] = {{.from_ms = 0, .delay_ms = before_ms},
                            {.from_ms = kTurnsMs, .delay_ms = kAfterMs}};
  schedule.processors[1] = {{.from_ms = 0, .delay_ms = 20}};
  const std::vector<double> arrivals = Arrivals(schedule, 3);
  for (const Rule& rule : AllRules(schedule)) {
    if (rule.name != kDaemonsRule) continue;
    int64_t unsafe_ns = 0;
    for (const auto& [from, to] : schedule::Run(schedule, arrivals, rule, {}).unsafe) {
      const int64_t end_ns = (kTurnsMs + kAfterMs + before_ms + 200) * base::kNanosPerMilli;
      if (to < end_ns) unsafe_ns += to - from;
    }
    return static_cast<double>(unsafe_ns) / 1e6;
  }
  return 1e9;
}

// Its slowness shows only when an answer is late. What was sent until then cannot be called back.
TEST(Rules, FewMomentsDifferWhenOneTurnsSlowUnderway) {
  EXPECT_LT(UnsafeMsWhenItTurnsSlow(800), 60) << "departures; without them it is 140";
  EXPECT_LT(UnsafeMsWhenItTurnsSlow(5), 35) << "pauses; without them it is 45";
}

// The cheaper one fails from the first minute to the last, and the dearer one works.
TEST(Rules, PaymentsThatComeAloneReachTheOneThatWorks) {
  Schedule schedule;
  schedule.load_ms = 300'000;
  schedule.cutoff_ms = 330'000;
  schedule.lone_every_ms = 4'000;
  schedule.audit_lag_ms = 1'500;
  schedule.fees = kFees5And15;
  schedule.processors[0] = {{.from_ms = 0}, {.from_ms = 30'000, .failing = true}};
  schedule.processors[1] = {{.from_ms = 0}};
  const std::vector<double> arrivals = Arrivals(schedule, 5);
  ASSERT_GT(arrivals.size(), 50U);
  for (const Rule& rule : AllRules(schedule)) {
    if (rule.name != kDaemonsRule && rule.name != kWithoutAudits) continue;
    const Outcome outcome = schedule::Run(schedule, arrivals, rule, {});
    EXPECT_EQ(outcome.booked[0] + outcome.booked[1], arrivals.size()) << rule.name;
    const auto longest_wait_ms = static_cast<double>(rule.options.policy.wait_for_cheaper_ms_max);
    EXPECT_LT(outcome.longest_ms, longest_wait_ms + 1'000) << rule.name;
  }
}

TEST(Run, TheSameSeedGivesTheSameOutcome) {
  const Schedule schedule = Random(kFirstSeed, Family::kRenewal, kFees5And15);
  const std::vector<double> arrivals = Arrivals(schedule, 3);
  const Rule rule = AllRules(schedule).back();
  const Outcome first = schedule::Run(schedule, arrivals, rule, {});
  const Outcome second = schedule::Run(schedule, arrivals, rule, {});
  EXPECT_EQ(first.booked, second.booked);
  EXPECT_EQ(first.accepted, second.accepted);
}

TEST(Auditors, ComeAtEachPhaseOfTheSecond) {
  for (const Auditor& auditor : AllAuditors()) {
    std::vector<size_t> phases(10);
    for (uint64_t seed = 1; seed <= 1'000; ++seed) {
      const std::vector<int64_t> visits = VisitsNs(auditor, seed, 120'000);
      ASSERT_FALSE(visits.empty());
      if (!auditor.random) {
        EXPECT_LT(visits[0], auditor.period_ms * 1e6);
      }
      ++phases[static_cast<size_t>(visits[0] / base::kNanosPerMilli % 1'000 / 100)];
      for (size_t i = 1; i < visits.size() && !auditor.random; ++i) {
        EXPECT_NEAR(static_cast<double>(visits[i] - visits[i - 1]), auditor.period_ms * 1e6, 2);
      }
    }
    for (const size_t count : phases) EXPECT_NEAR(static_cast<double>(count), 100, 35);
  }
}

TEST(Auditors, SeeADifferenceInTheStretchesAlone) {
  const std::vector<Stretch> stretches = Merged({{50, 60}, {10, 20}, {15, 30}, {30, 31}});
  EXPECT_EQ(stretches, (std::vector<Stretch>{{10, 31}, {50, 60}}));
  EXPECT_EQ(VisitsIn({9, 10, 30, 31, 49, 50, 59, 60}, stretches), 4U);
}

// Without bursts nearly every auditor of such a run sees a difference.
TEST(Auditors, SeeMoreWhereNobodyCaresForThem) {
  std::map<std::string, size_t> differing;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + 6; ++seed) {
    const Schedule schedule = Random(seed, Family::kTurning, kFees7And10);
    const std::vector<double> arrivals = Arrivals(schedule, seed);
    for (const Rule& rule : AllRules(schedule)) {
      if (rule.name != kDaemonsRule && rule.name != kWithoutAudits) continue;
      RunOptions options;
      options.seed = seed;
      options.costs.late_records = true;
      const Outcome outcome = schedule::Run(schedule, arrivals, rule, options);
      for (const Auditor& auditor : AllAuditors()) {
        differing[rule.name] +=
            VisitsIn(VisitsNs(auditor, seed, schedule.cutoff_ms), outcome.unsafe);
      }
    }
  }
  EXPECT_GT(differing[kWithoutAudits], 10U);
  EXPECT_LT(differing[kDaemonsRule], differing[kWithoutAudits] / 3);
}

}  // namespace
}  // namespace tollgate::schedule

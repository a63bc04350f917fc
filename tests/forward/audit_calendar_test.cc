// The phase of the second that bursts have, from when auditors came.
#include "tollgate/forward/audit_calendar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace tollgate::forward {
namespace {

constexpr int64_t kBeginMs = 1'752'583'000'000;
constexpr int64_t kRecordMs = 100;  // how late a record may be

// Would a burst that is booked in that visit's second, and recorded late, be seen by it?
bool Meets(int64_t burst_phase_ms, int64_t visit_ms) {
  const int64_t since_ms = (visit_ms - burst_phase_ms + 1'000) % 1'000;
  return since_ms < kBurstMs + kRecordMs || since_ms > 1'000 - kBurstMs;
}

std::vector<int64_t> Visits(int64_t first_ms, int64_t period_ms, int count) {
  std::vector<int64_t> visits;
  for (int i = 0; i < count; ++i) visits.push_back(first_ms + i * period_ms);
  return visits;
}

TEST(AuditCalendar, OneVisitIsEnoughForAnAuditorOfEachPhaseOfTheSecond) {
  for (const int64_t period_ms : {5'000, 10'000, 15'000}) {
    for (int64_t phase = 0; phase < 1'000; ++phase) {
      const int64_t burst_ms = BurstPhaseMs(Visits(kBeginMs + phase, period_ms, 1));
      for (const int64_t visit : Visits(kBeginMs + phase, period_ms, 30)) {
        ASSERT_FALSE(Meets(burst_ms, visit)) << "phase " << phase;
      }
    }
  }
}

TEST(AuditCalendar, KeepsAwayFromOneThatDrifts) {
  for (int64_t phase = 0; phase < 1'000; phase += 7) {
    const std::vector<int64_t> visits = Visits(kBeginMs + phase, 10'013, 60);
    for (size_t known = 1; known < visits.size(); ++known) {
      const size_t first = known > 32 ? known - 32 : 0;
      const int64_t burst_ms = BurstPhaseMs({visits.data() + first, known - first});
      ASSERT_FALSE(Meets(burst_ms, visits[known])) << "phase " << phase << ", visit " << known;
    }
  }
}

TEST(AuditCalendar, MissedVisitsChangeNothing) {
  std::vector<int64_t> visits = Visits(kBeginMs + 123, 10'000, 30);
  const int64_t all = BurstPhaseMs(visits);
  visits.erase(visits.begin() + 3, visits.begin() + 20);
  EXPECT_EQ(BurstPhaseMs(visits), all);
}

TEST(AuditCalendar, KeepsAwayFromTwoAtOnce) {
  for (int64_t apart_ms = 0; apart_ms < 1'000; ++apart_ms) {
    const std::vector<int64_t> visits{kBeginMs + 900, kBeginMs + 900 + apart_ms};
    for (const int64_t visit : visits) ASSERT_FALSE(Meets(BurstPhaseMs(visits), visit));
  }
}

TEST(AuditCalendar, TheOrderOfTheVisitsDoesNotMatter) {
  std::vector<int64_t> visits = Visits(kBeginMs, 7'301, 9);
  const int64_t forth = BurstPhaseMs(visits);
  std::reverse(visits.begin(), visits.end());
  EXPECT_EQ(BurstPhaseMs(visits), forth);
}

TEST(AuditCalendar, AnyNumbersGiveAPhase) {
  for (const int64_t visit : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    const int64_t phase = BurstPhaseMs({&visit, 1});
    EXPECT_GE(phase, 0);
    EXPECT_LE(phase, 1'000 - kBurstMs);
  }
}

TEST(AuditCalendar, NoVisitKnownMeansAnotherPhaseInEachTenSeconds) {
  EXPECT_EQ(BurstPhaseMs({}), kSpreadPhase);
  std::set<int64_t> phases;
  for (int64_t epoch = 0; epoch < 1'000; ++epoch) {
    int64_t open_ms = 0;
    for (int64_t at = 0; at < 1'000; ++at) {
      if (NextBurstInMs(kBeginMs + epoch * 10'000 + at, kSpreadPhase) != 0) continue;
      phases.insert(at);
      ++open_ms;
    }
    ASSERT_EQ(open_ms, kBurstMs) << "one burst a second";
  }
  EXPECT_EQ(phases.size(), 1'000U) << "no phase is spared, and none is hit each time";
}

TEST(AuditCalendar, TheNextBurstIsAtItsPhase) {
  EXPECT_EQ(NextBurstInMs(kBeginMs + 500, 700), 200);
  EXPECT_EQ(NextBurstInMs(kBeginMs + 700, 700), 0);
  EXPECT_EQ(NextBurstInMs(kBeginMs + 719, 700), 0);
  EXPECT_EQ(NextBurstInMs(kBeginMs + 720, 700), 980);
}

TEST(AuditCalendar, DeparturesAreAsFarApartAsTheLatencyAllows) {
  constexpr int64_t kSecond = kBeginMs / 1'000 * 1'000;
  EXPECT_EQ(NextDepartureInMs(kSecond + 49, 49), 0) << "so quick a one has none";
  EXPECT_EQ(NextDepartureInMs(kSecond + 10, 50), 40);
  EXPECT_EQ(NextDepartureInMs(kSecond + 10, 100), 90);
  EXPECT_EQ(NextDepartureInMs(kSecond + 10, 200), 190);
  EXPECT_EQ(NextDepartureInMs(kSecond + 10, 5'000), 190) << "nothing waits longer";
  EXPECT_EQ(NextDepartureInMs(kSecond + 600 + kDepartureMs - 1, 5'000), 0);
  EXPECT_EQ(NextDepartureInMs(kSecond + 600 + kDepartureMs, 5'000), 190);
  EXPECT_EQ(NextDepartureInMs(-1, 5'000), 1) << "before 1970, too";
}

}  // namespace
}  // namespace tollgate::forward

// Properties of the routing rule that hold for all numbers.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "tollgate/forward/explain.h"
#include "tollgate/forward/policy.h"

namespace tollgate::forward {
namespace {

constexpr payments::ProcessorId kNobody = payments::kNoProcessor;

ProcessorView AnyView(payments::ProcessorId id) {
  return {.id = id,
          .fee_ppm = *rc::gen::inRange<int64_t>(0, 1'000'001),
          .availability = static_cast<Availability>(*rc::gen::inRange(0, 5)),
          .retry_at_ms = *rc::gen::inRange<int64_t>(0, 2'000'000),
          .latency_ms = *rc::gen::inRange<int64_t>(0, 60'000),
          .recovers_in_ms = *rc::gen::inRange<int64_t>(0, 600'000),
          .usual_latency_ms = *rc::gen::inRange<int64_t>(0, 60'000),
          .unavailable_ppm = *rc::gen::inRange<int64_t>(0, 1'000'001),
          .sample_due = *rc::gen::arbitrary<bool>(),
          .reported_failing = *rc::gen::arbitrary<bool>(),
          .stalled = *rc::gen::arbitrary<bool>(),
          .pause_left_ms = std::max<int64_t>(0, *rc::gen::inRange<int64_t>(-150, 151)),
          .in_flight = *rc::gen::inRange<uint32_t>(0, 1'000),
          .in_flight_cap = *rc::gen::inRange<uint32_t>(1, 1'000)};
}

struct Situation {
  std::vector<ProcessorView> views;
  Moment moment;
  PolicyOptions options;
};

Situation AnySituation() {
  Situation it;
  const int count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i)
    it.views.push_back(AnyView(static_cast<payments::ProcessorId>(i)));
  it.moment = {.now_ms = *rc::gen::inRange<int64_t>(0, 1'000'000),
               .wall_ms = *rc::gen::inRange<int64_t>(0, 1'000'000),
               .age_ms = *rc::gen::inRange<int64_t>(0, 100'000),
               .probes = *rc::gen::inRange<uint32_t>(0, 4),
               .waiting = *rc::gen::inRange<int64_t>(0, 100'000),
               .arrivals_per_s = *rc::gen::inRange<int64_t>(0, 100'000),
               .load_ended = *rc::gen::arbitrary<bool>()};
  if (*rc::gen::arbitrary<bool>()) {
    it.moment.refused_by = static_cast<payments::ProcessorId>(*rc::gen::inRange(0, count));
  }
  if (*rc::gen::arbitrary<bool>()) it.moment.left_ms = *rc::gen::inRange<int64_t>(0, 100'000);
  it.options.delay_cost_ppm_per_s = *rc::gen::inRange<int64_t>(0, 1'000'000);
  it.options.wait_for_cheaper_ms_max = *rc::gen::inRange<int64_t>(0, 100'000);
  if (*rc::gen::arbitrary<bool>()) it.options.audit_lag_ms = *rc::gen::inRange<int64_t>(1, 5'000);
  return it;
}

bool CanTake(Availability availability) {
  return availability == Availability::kOpenForAll || availability == Availability::kProbeDue;
}

TEST(PolicyProperty, NeverSendsToOneThatCannotTakeIt) {
  EXPECT_TRUE(rc::check([] {
    const Situation it = AnySituation();
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (choice.processor == kNobody) return;
    RC_ASSERT(CanTake(it.views.at(choice.processor).availability));
  }));
}

// A payment that waits is routed again before its wait is over.
TEST(PolicyProperty, AHoldChangesWhenAPaymentGoesAndNeverWhere) {
  EXPECT_TRUE(rc::check([] {
    Situation it = AnySituation();
    it.moment.may_hold = false;
    const Choice free = Choose(it.views, it.moment, it.options);
    it.moment.may_hold = true;
    const Choice held = Choose(it.views, it.moment, it.options);
    if (held.processor == kNobody && free.processor != kNobody) {
      RC_ASSERT(!free.is_probe);
      RC_ASSERT(held.wait_until_ms > it.moment.now_ms);
      RC_ASSERT(held.wait_until_ms <= it.moment.now_ms + 50);
      return;
    }
    RC_ASSERT(held.processor == free.processor);
    RC_ASSERT(held.is_probe == free.is_probe);
  }));
}

TEST(PolicyProperty, WaitingEnds) {
  EXPECT_TRUE(rc::check([] {
    const Situation it = AnySituation();
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (choice.processor != kNobody) return;
    RC_ASSERT(choice.wait_until_ms <= it.moment.now_ms + 50);
    bool any_ready = false;
    for (const auto& view : it.views) any_ready |= EstimateCost(view, it.moment, it.options).ready;
    if (any_ready) RC_ASSERT(it.moment.age_ms < it.options.wait_for_cheaper_ms_max);
  }));
}

bool AnotherIsOpen(const Situation& it, payments::ProcessorId than) {
  return std::any_of(it.views.begin(), it.views.end(), [&](const ProcessorView& view) {
    return view.id != than && view.availability == Availability::kOpenForAll;
  });
}

// For any traffic: each choice for a payment is one of these.
TEST(PolicyProperty, APaymentIsTheTrialAtMostTwiceAndNotAfterItsLongestWaitIfAnotherTakesIt) {
  EXPECT_TRUE(rc::check([] {
    Situation it = AnySituation();
    it.moment.probes = *rc::gen::element(0U, 1U, 2U, 3U);
    it.moment.age_ms = *rc::gen::element<int64_t>(0, 900, 1'500, 30'000, 100'000);
    it.moment.load_ended = false;  // what makes a probe harmful makes it rare
    it.moment.left_ms = kNever;
    it.options.audit_lag_ms = 0;
    it.views.push_back(AnyView(static_cast<payments::ProcessorId>(it.views.size())));
    it.views.back().availability = Availability::kProbeDue;
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (!choice.is_probe || !AnotherIsOpen(it, choice.processor)) return;
    RC_ASSERT(it.moment.probes < 2);
    RC_ASSERT(it.moment.age_ms <= std::max<int64_t>(it.options.wait_for_cheaper_ms_max, 1'000));
  }));
}

// A payment that comes alone finds a cheaper processor whose probe is always due, and one that
// works. It reaches the working one after its longest wait and one more try.
TEST(PolicyProperty, APaymentThatComesAloneReachesTheOneThatWorks) {
  EXPECT_TRUE(rc::check([] {
    Situation it = AnySituation();
    it.options.audit_lag_ms = 0;
    it.moment = {.now_ms = 1'000'000};
    ProcessorView& works = it.views.front();
    works.availability = Availability::kOpenForAll;
    works.sample_due = false;
    for (size_t i = 1; i < it.views.size(); ++i) it.views[i].availability = Availability::kProbeDue;
    const int64_t most_ms = std::max<int64_t>(it.options.wait_for_cheaper_ms_max, 1'000) + 2'000;
    int attempts = 0;
    for (; it.moment.age_ms <= most_ms; ++attempts) {
      const Choice choice = Choose(it.views, it.moment, it.options);
      if (choice.processor == works.id) return;
      const int64_t until_ms = choice.processor == kNobody
                                   ? choice.wait_until_ms
                                   : it.moment.now_ms + *rc::gen::inRange<int64_t>(1, 2'000);
      RC_ASSERT(until_ms > it.moment.now_ms);
      if (choice.processor != kNobody) ++it.moment.probes;
      it.moment.age_ms += until_ms - it.moment.now_ms;
      it.moment.now_ms = until_ms;
    }
    RC_FAIL("it never got there");
  }));
}

// A higher fee never wins a payment.
TEST(PolicyProperty, ALowerFeeNeverLosesAPaymentThatItHad) {
  EXPECT_TRUE(rc::check([] {
    Situation it = AnySituation();
    LeaveOutTrials(it.views);
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (choice.processor == kNobody) return;
    ProcessorView& chosen = it.views.at(choice.processor);
    chosen.fee_ppm = *rc::gen::inRange<int64_t>(0, chosen.fee_ppm + 1);
    RC_ASSERT(Choose(it.views, it.moment, it.options).processor == choice.processor);
  }));
}

TEST(PolicyProperty, TheOrderOfTheViewsDoesNotMatter) {
  EXPECT_TRUE(rc::check([] {
    const Situation it = AnySituation();
    const std::vector<ProcessorView> turned(it.views.rbegin(), it.views.rend());
    RC_ASSERT(Choose(it.views, it.moment, it.options).processor ==
              Choose(turned, it.moment, it.options).processor);
  }));
}

TEST(PolicyProperty, TheExplanationChoosesAsTheRuleDoes) {
  EXPECT_TRUE(rc::check([] {
    Situation it = AnySituation();
    const Routing routing = Explain(it.views, it.moment, it.options, &Choose);
    LeaveOutTrials(it.views);
    const Choice choice = Choose(it.views, it.moment, it.options);
    RC_ASSERT(routing.waits == (choice.processor == kNobody));
    for (const Reasons& reasons : routing.processors) {
      RC_ASSERT(reasons.chosen == (reasons.view.id == choice.processor));
      RC_ASSERT(!reasons.why.empty());
    }
  }));
}

}  // namespace
}  // namespace tollgate::forward

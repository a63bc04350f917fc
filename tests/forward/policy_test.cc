// The routing rule, case by case, and what must hold whatever the numbers are.
#include "tollgate/forward/policy.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

#include "tollgate/forward/explain.h"

namespace tollgate::forward {
namespace {

constexpr payments::ProcessorId kNobody = payments::kNoProcessor;

// A cheap one and a dear one, both well and quick.
struct Case {
  ProcessorView cheap{.id = 0, .fee_ppm = 50'000, .latency_ms = 5, .in_flight_cap = 350};
  ProcessorView dear{.id = 1, .fee_ppm = 150'000, .latency_ms = 5, .in_flight_cap = 350};
  Moment moment{.now_ms = 1'000'000, .arrivals_per_s = 500};
  PolicyOptions options{.delay_cost_ppm_per_s = 10'000};

  Choice operator()() const {
    const std::array<ProcessorView, 2> views{cheap, dear};
    return Choose(views, moment, options);
  }
};

void Break(ProcessorView& view, int64_t back_in_ms) {
  view.standing = Standing::kBreakerOpen;
  view.back_in_ms = back_in_ms;
  view.retry_at_ms = 1'000'040;
}

TEST(Policy, TheCheaperOfTwoThatAreWell) {
  const Case both;
  EXPECT_EQ(both().processor, 0);
}

TEST(Policy, EqualFeesGoToTheQuickerAndThenToTheFirst) {
  Case equal;
  equal.dear.fee_ppm = equal.cheap.fee_ppm;
  EXPECT_EQ(equal().processor, 0);
  equal.cheap.latency_ms = 500;
  EXPECT_EQ(equal().processor, 1);
}

TEST(Policy, ASecondInFlightCostsWhatIsConfigured) {
  Case slow;
  slow.cheap.latency_ms = 9'000;  // at 1 % a second just under the 10 % between the fees
  EXPECT_EQ(slow().processor, 0);
  slow.cheap.latency_ms = 11'000;
  EXPECT_EQ(slow().processor, 1);
  slow.options.delay_cost_ppm_per_s = 1'000;
  EXPECT_EQ(slow().processor, 0);
}

TEST(Policy, WaitsForACheaperOneThatIsSoonBack) {
  Case out;
  Break(out.cheap, 2'000);
  EXPECT_EQ(out().processor, kNobody);
  EXPECT_LE(out().wait_until_ms, out.cheap.retry_at_ms) << "the next probe must not be missed";
}

TEST(Policy, DoesNotWaitForOneThatStaysAwayLonger) {
  Case out;
  Break(out.cheap, 60'000);
  out.dear.weak_ppm = 500'000;  // and who would take it may not be well later
  EXPECT_EQ(out().processor, 1);
}

// Nothing is lost by waiting as long as another one would take the payment all the while.
TEST(Policy, WaitsTheLongerTheSurerTheOtherOneIs) {
  Case out;
  Break(out.cheap, 12'000);  // 12 % for a second in flight each; the fees are 10 % apart
  out.dear.weak_ppm = 0;
  EXPECT_EQ(out().processor, kNobody);
  out.dear.weak_ppm = 1'000'000;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, WhatIsOutOfOrderIsExpectedBackAsItUsuallyIs) {
  Case out;
  Break(out.cheap, 2'000);
  out.cheap.latency_ms = 14'000;  // its last words, with time-outs in them
  out.cheap.usual_latency_ms = 20;
  EXPECT_EQ(out().processor, kNobody);
  out.cheap.usual_latency_ms = 14'000;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, NobodyWaitsForADearerOne) {
  Case dear_full;
  dear_full.cheap.latency_ms = 14'000;  // the dearer one would be better, but has no place now
  dear_full.dear.standing = Standing::kFull;
  EXPECT_EQ(dear_full().processor, 0);
}

TEST(Policy, NeverWaitsBeyondTheLongest) {
  Case out;
  Break(out.cheap, 2'000);
  out.moment.age_ms = out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 1);
  out.moment.age_ms = 0;
  out.options.wait_for_cheaper_ms_max = 0;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, WaitsForAPlaceThatIsFreeInAMoment) {
  Case full;
  full.cheap.standing = Standing::kFull;
  EXPECT_EQ(full().processor, kNobody);
  full.moment.arrivals_per_s = 100'000;  // more than can leave: its line would only grow
  EXPECT_EQ(full().processor, 1);
}

TEST(Policy, NobodyReadyMeansWaiting) {
  Case none;
  Break(none.cheap, 2'000);
  Break(none.dear, 2'000);
  none.moment.age_ms = 1'000'000;
  EXPECT_EQ(none().processor, kNobody);
}

TEST(Policy, AProbeThatIsDueIsTaken) {
  Case out;
  Break(out.cheap, 60'000);
  out.cheap.standing = Standing::kProbeDue;
  EXPECT_EQ(out().processor, 0);
}

TEST(Policy, ADearerOneIsNotProbedWhileACheaperWorks) {
  Case out;
  Break(out.dear, 60'000);
  out.dear.standing = Standing::kProbeDue;
  EXPECT_EQ(out().processor, 0);
}

TEST(Policy, ACheaperOneThatNothingWasSentToForAWhileIsTried) {
  Case slow;
  slow.cheap.latency_ms = 12'000;
  EXPECT_EQ(slow().processor, 1);
  slow.cheap.sample_due = true;
  EXPECT_EQ(slow().processor, 0);
}

TEST(Policy, WhatWouldMissTheCutoffGoesWhereItIsBooked) {
  Case late;
  late.cheap.latency_ms = 3'000;
  EXPECT_EQ(late().processor, 0);
  late.moment.left_ms = 2'000;
  EXPECT_EQ(late().processor, 1);
  late.cheap.sample_due = true;
  EXPECT_EQ(late().processor, 1) << "not even to see";
}

TEST(Policy, WhatWouldBeInFlightAcrossAnAuditIsAvoided) {
  Case audited;
  audited.cheap.latency_ms = 2'000;
  EXPECT_EQ(audited().processor, 0);
  audited.options.audit_lag_ms = 1'500;
  EXPECT_EQ(audited().processor, 1);
  audited.dear.latency_ms = 3'000;
  EXPECT_EQ(audited().processor, 0) << "both would: then the cheaper";
}

// What is slow may take a trial although it says failing, and an auditor then sees it in flight.
TEST(Policy, ATrialThatCrossesAnAuditWaitsForHealthToSpeak) {
  Case out;
  out.options.audit_lag_ms = 1'500;
  Break(out.dear, 60'000);
  out.cheap.standing = Standing::kProbeDue;
  out.cheap.latency_ms = 2'000;
  EXPECT_EQ(out().processor, kNobody);
  out.moment.age_ms = out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 0) << "nobody will say when it is back";
  out.cheap.told_out = true;
  EXPECT_EQ(out().processor, kNobody);
  out.moment.age_ms = 4 * out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 0) << "not even health is believed for ever";
  out.moment.age_ms = 0;
  out.cheap.latency_ms = 1'000;
  EXPECT_EQ(out().processor, 0) << "a trial that is over in time does no harm";
}

TEST(Policy, WhoDoesNotAnswerIsSuspectToAnAudit) {
  Case audited;
  audited.options.audit_lag_ms = 1'500;
  audited.cheap.suspect = true;
  EXPECT_EQ(audited().processor, 1);
}

TEST(Policy, WhenPaymentsStopWaitingIsOver) {
  Case out;
  Break(out.cheap, 2'000);
  ASSERT_EQ(out().processor, kNobody);
  out.dear.weak_ppm = 500'000;
  out.moment.quiet = true;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, TooManyOfUnknownOutcomeAreNotAddedTo) {
  Case capped;
  capped.cheap.standing = Standing::kUnresolvedCap;
  EXPECT_EQ(capped().processor, 1);
  capped.dear.standing = Standing::kUnresolvedCap;
  EXPECT_EQ(capped().processor, kNobody);
}

TEST(Policy, AnyNumberOfProcessors) {
  std::vector<ProcessorView> views;
  for (int i = 0; i < 5; ++i) {
    views.push_back({.id = static_cast<payments::ProcessorId>(i),
                     .fee_ppm = 90'000 - 10'000 * i,
                     .latency_ms = 5,
                     .in_flight_cap = 10});
  }
  EXPECT_EQ(Choose(views, {}, {}).processor, 4);
  views[4].standing = Standing::kUnresolvedCap;
  EXPECT_EQ(Choose(views, {}, {}).processor, 3);
}

// --- Whatever the numbers are

ProcessorView AnyView(payments::ProcessorId id) {
  return {.id = id,
          .fee_ppm = *rc::gen::inRange<int64_t>(0, 1'000'001),
          .standing = static_cast<Standing>(*rc::gen::inRange(0, 5)),
          .retry_at_ms = *rc::gen::inRange<int64_t>(0, 2'000'000),
          .latency_ms = *rc::gen::inRange<int64_t>(0, 60'000),
          .back_in_ms = *rc::gen::inRange<int64_t>(0, 600'000),
          .usual_latency_ms = *rc::gen::inRange<int64_t>(0, 60'000),
          .weak_ppm = *rc::gen::inRange<int64_t>(0, 1'000'001),
          .sample_due = *rc::gen::arbitrary<bool>(),
          .told_out = *rc::gen::arbitrary<bool>(),
          .suspect = *rc::gen::arbitrary<bool>(),
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
               .age_ms = *rc::gen::inRange<int64_t>(0, 100'000),
               .waiting = *rc::gen::inRange<int64_t>(0, 100'000),
               .arrivals_per_s = *rc::gen::inRange<int64_t>(0, 100'000),
               .quiet = *rc::gen::arbitrary<bool>()};
  if (*rc::gen::arbitrary<bool>()) it.moment.left_ms = *rc::gen::inRange<int64_t>(0, 100'000);
  it.options.delay_cost_ppm_per_s = *rc::gen::inRange<int64_t>(0, 1'000'000);
  it.options.wait_for_cheaper_ms_max = *rc::gen::inRange<int64_t>(0, 100'000);
  if (*rc::gen::arbitrary<bool>()) it.options.audit_lag_ms = *rc::gen::inRange<int64_t>(1, 5'000);
  return it;
}

bool CanTake(Standing standing) {
  return standing == Standing::kOpenForAll || standing == Standing::kProbeDue;
}

TEST(PolicyProperty, NeverSendsToOneThatCannotTakeIt) {
  EXPECT_TRUE(rc::check([] {
    const Situation it = AnySituation();
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (choice.processor == kNobody) return;
    RC_ASSERT(CanTake(it.views.at(choice.processor).standing));
  }));
}

// Who waits is looked at again, and before its time is over.
TEST(PolicyProperty, WaitingEnds) {
  EXPECT_TRUE(rc::check([] {
    const Situation it = AnySituation();
    const Choice choice = Choose(it.views, it.moment, it.options);
    if (choice.processor != kNobody) return;
    RC_ASSERT(choice.wait_until_ms <= it.moment.now_ms + 50);
    bool any_ready = false;
    for (const auto& view : it.views) any_ready |= view.standing == Standing::kOpenForAll;
    if (any_ready) RC_ASSERT(it.moment.age_ms < it.options.wait_for_cheaper_ms_max);
  }));
}

// Being dearer never wins a payment.
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

TEST(Explain, SaysWhyInNumbers) {
  Case out;
  Break(out.cheap, 60'000);
  out.dear.weak_ppm = 500'000;
  const Routing routing = Explain({out.cheap, out.dear}, out.moment, out.options, &Choose);
  const std::string text = Describe(routing, {"default", "fallback"});
  EXPECT_NE(text.find("payments go to fallback"), std::string::npos) << text;
  EXPECT_NE(text.find("15.00 % fee"), std::string::npos) << text;
  EXPECT_NE(text.find("default: out of order, back in about 60.0 s"), std::string::npos) << text;
}

}  // namespace
}  // namespace tollgate::forward

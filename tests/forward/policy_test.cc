// The routing rule, case by case.
#include "tollgate/forward/policy.h"

#include <gtest/gtest.h>

#include <vector>

#include "tollgate/forward/explain.h"

namespace tollgate::forward {
namespace {

constexpr payments::ProcessorId kNobody = payments::kNoProcessor;

// A cheap one and a dear one; both work and are quick.
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

void Break(ProcessorView& view, int64_t recovers_in_ms) {
  view.availability = Availability::kBreakerOpen;
  view.recovers_in_ms = recovers_in_ms;
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
  out.dear.unavailable_ppm = 500'000;  // and the one that would take it may not work later
  EXPECT_EQ(out().processor, 1);
}

// Waiting costs nothing as long as another one would take the payment at any time.
TEST(Policy, WaitsTheLongerTheSurerTheOtherOneIs) {
  Case out;
  Break(out.cheap, 12'000);  // 12 % for a second in flight each; the fees are 10 % apart
  out.dear.unavailable_ppm = 0;
  EXPECT_EQ(out().processor, kNobody);
  out.dear.unavailable_ppm = 1'000'000;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, WhatIsOutOfOrderIsExpectedBackAsItUsuallyIs) {
  Case out;
  Break(out.cheap, 2'000);
  out.cheap.latency_ms = 14'000;  // its last answers, with time-outs among them
  out.cheap.usual_latency_ms = 20;
  EXPECT_EQ(out().processor, kNobody);
  out.cheap.usual_latency_ms = 14'000;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, NobodyWaitsForADearerOne) {
  Case dear_full;
  dear_full.cheap.latency_ms = 14'000;  // the dearer one would be better, but is full now
  dear_full.dear.availability = Availability::kFull;
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
  full.cheap.availability = Availability::kFull;
  EXPECT_EQ(full().processor, kNobody);
  full.moment.arrivals_per_s = 100'000;  // more than can leave: its queue would only grow
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
  out.cheap.availability = Availability::kProbeDue;
  EXPECT_EQ(out().processor, 0);
}

// A payment that comes alone finds each probe due.
TEST(Policy, APaymentIsTheTrialAtMostTwiceWhileAnotherWouldTakeIt) {
  Case out;
  Break(out.cheap, 2'000);
  out.cheap.availability = Availability::kProbeDue;
  for (out.moment.probes = 0; out.moment.probes < 2; ++out.moment.probes) {
    EXPECT_EQ(out().processor, 0);
    EXPECT_TRUE(out().is_probe);
  }
  EXPECT_EQ(out().processor, kNobody) << "it waits for what others will see";
  out.moment.age_ms = out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 1);
  Break(out.dear, 2'000);
  EXPECT_EQ(out().processor, 0) << "nothing else is left";
}

TEST(Policy, NoPaymentIsTheTrialAfterItsLongestWaitWhileAnotherWouldTakeIt) {
  Case out;
  Break(out.cheap, 2'000);
  out.cheap.availability = Availability::kProbeDue;
  out.options.wait_for_cheaper_ms_max = 3'000;
  out.moment.age_ms = 3'001;
  EXPECT_EQ(out().processor, 1);
  out.options.wait_for_cheaper_ms_max = 0;
  EXPECT_EQ(out().processor, 1);
  out.moment.age_ms = 100;
  EXPECT_EQ(out().processor, 0) << "someone has to see whether it is back";
  EXPECT_TRUE(out().is_probe);
}

TEST(Policy, ASlowerOneThatIsSampledIsATrialToo) {
  Case slow;
  slow.cheap.latency_ms = 12'000;
  slow.cheap.sample_due = true;
  EXPECT_TRUE(slow().is_probe);
  slow.moment.probes = 2;
  EXPECT_EQ(slow().processor, 1);
  EXPECT_FALSE(slow().is_probe);
}

TEST(Policy, APaymentThatWasRefusedWith429PrefersAnotherProcessor) {
  Case refused;
  refused.moment.refused_by = 0;
  EXPECT_EQ(refused().processor, 1);
  refused.cheap.sample_due = true;
  EXPECT_EQ(refused().processor, 1) << "nor is it a probe of who has just refused it";
  Break(refused.cheap, 100);
  EXPECT_EQ(refused().processor, 1) << "nor does it wait for it";
  refused.cheap.availability = Availability::kProbeDue;
  EXPECT_EQ(refused().processor, 1);
  Break(refused.dear, 60'000);
  refused.cheap = Case().cheap;
  EXPECT_EQ(refused().processor, 0) << "nothing else is ready";
}

TEST(Policy, WhatWasRefusedWith429WaitsForACheaperOneNoLongerThanOthers) {
  Case refused;
  Break(refused.cheap, 60'000);
  refused.dear.unavailable_ppm = 500'000;
  ASSERT_EQ(refused().processor, 1);
  refused.moment.refused_by = 1;
  EXPECT_EQ(refused().processor, 1);
}

TEST(Policy, ADearerOneIsNotProbedWhileACheaperWorks) {
  Case out;
  Break(out.dear, 60'000);
  out.dear.availability = Availability::kProbeDue;
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

// Bursts are booked 700 ms after the second.
constexpr int64_t kBookedInABurst = 700;

Case Audited(int64_t cheap_ms) {
  Case audited;
  audited.options.audit_lag_ms = 1'500;
  audited.cheap.latency_ms = cheap_ms;
  audited.cheap.recovers_in_ms = 60'000;
  return audited;
}

TEST(Policy, WhatWouldBeBookedAcrossAnAuditIsSentInBursts) {
  Case audited = Audited(2'300);
  int64_t sent_ms = 0;
  for (audited.moment.wall_ms = 5'000; audited.moment.wall_ms < 8'000; ++audited.moment.wall_ms) {
    if (audited().processor != 0) continue;
    ++sent_ms;
    const int64_t booked_ms = audited.moment.wall_ms + audited.cheap.latency_ms;
    EXPECT_NEAR(static_cast<double>(booked_ms % 1'000), kBookedInABurst, 20);
  }
  EXPECT_EQ(sent_ms, 3 * 20) << "once a second";
  audited.options.audit_lag_ms = 0;
  EXPECT_EQ(audited().processor, 0) << "nobody looks";
}

TEST(Policy, ABurstIsWaitedForAsLongAsItHasAPlace) {
  Case audited = Audited(2'300);
  audited.moment.wall_ms = 500;  // 80 ms too late to be booked at 2'700
  audited.dear.unavailable_ppm = 500'000;
  Choice choice = audited();
  EXPECT_EQ(choice.processor, kNobody);
  EXPECT_LE(choice.wait_until_ms, audited.moment.now_ms + 1'000);
  audited.moment.wall_ms = 1'390;  // 10 ms too early
  choice = audited();
  EXPECT_EQ(choice.wait_until_ms, audited.moment.now_ms + 10) << "the burst must not be missed";
  audited.moment.waiting = 300;
  audited.cheap.in_flight = 100;
  EXPECT_EQ(audited().processor, 1) << "the burst is full";
}

TEST(Policy, ASmallDifferenceIsNotWorthTheRestOfTheRiskOfABurst) {
  Case audited = Audited(2'000);
  audited.moment.wall_ms = kBookedInABurst;
  audited.options.delay_cost_ppm_per_s = 0;
  EXPECT_EQ(audited().processor, 0);
  audited.dear.fee_ppm = audited.cheap.fee_ppm + 29'000;
  EXPECT_EQ(audited().processor, 1);
}

TEST(Policy, WhenAllAreSlowAllGoInBursts) {
  Case audited = Audited(2'000);
  audited.dear.latency_ms = 3'500;
  audited.dear.unavailable_ppm = 1'000'000;
  audited.moment.wall_ms = kBookedInABurst;
  EXPECT_EQ(audited().processor, 0);
  audited.moment.wall_ms = kBookedInABurst - 500;
  audited.moment.waiting = 1'000'000;
  EXPECT_EQ(audited().processor, 1) << "the dearer one's turn, and far too many wait";
  audited.moment.wall_ms = 0;
  audited.moment.age_ms = audited.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(audited().processor, kNobody) << "a burst is no more than a second away";
  audited.moment.load_ended = true;
  EXPECT_NE(audited().processor, kNobody) << "at the end there is no time for that";
}

TEST(Policy, BurstsAreBookedAtThePhaseOfTheCalendar) {
  Case audited = Audited(2'000);
  audited.dear.latency_ms = 3'500;
  audited.dear.unavailable_ppm = 1'000'000;
  audited.moment.burst_phase_ms = 240;
  audited.moment.wall_ms = kBookedInABurst;
  EXPECT_EQ(audited().processor, kNobody);
  audited.moment.wall_ms = 240;  // and booked two seconds later
  EXPECT_EQ(audited().processor, 0);
}

TEST(Policy, WaitsForASlowOneToBeQuickAgain) {
  Case slow;
  slow.cheap.availability = Availability::kFull;
  slow.cheap.latency_ms = 1'400;  // 250 leave a second, and 500 come
  EXPECT_EQ(slow().processor, 1);
  slow.cheap.recovers_in_ms = 5'000;
  slow.cheap.usual_latency_ms = 20;
  EXPECT_EQ(slow().processor, kNobody);
  slow.cheap.recovers_in_ms = 60'000;
  slow.dear.unavailable_ppm = 500'000;
  EXPECT_EQ(slow().processor, 1);
}

// A slow processor may take a probe although it reports failing, and an auditor then sees it in
// flight.
TEST(Policy, ATrialThatCrossesAnAuditWaitsForHealthToSpeak) {
  Case out;
  out.options.audit_lag_ms = 1'500;
  Break(out.dear, 60'000);
  out.cheap.availability = Availability::kProbeDue;
  out.cheap.latency_ms = 2'000;
  EXPECT_EQ(out().processor, kNobody);
  out.moment.age_ms = out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 0) << "nobody will say when it is back";
  out.cheap.reported_failing = true;
  EXPECT_EQ(out().processor, kNobody);
  out.moment.age_ms = 4 * out.options.wait_for_cheaper_ms_max;
  EXPECT_EQ(out().processor, 0) << "not even health is believed for ever";
  out.moment.age_ms = 0;
  out.cheap.latency_ms = 1'000;
  EXPECT_EQ(out().processor, 0) << "a probe that is over in time does no harm";
}

TEST(Policy, WhoDoesNotAnswerIsSuspectToAnAudit) {
  Case audited = Audited(2'000);
  audited.moment.wall_ms = kBookedInABurst;
  ASSERT_EQ(audited().processor, 0);
  audited.cheap.stalled = true;
  EXPECT_EQ(audited().processor, 1);
}

TEST(Policy, WhenPaymentsStopWaitingIsOver) {
  Case out;
  Break(out.cheap, 2'000);
  ASSERT_EQ(out().processor, kNobody);
  out.dear.unavailable_ppm = 500'000;
  out.moment.load_ended = true;
  EXPECT_EQ(out().processor, 1);
}

TEST(Policy, TooManyOfUnknownOutcomeAreNotAddedTo) {
  Case capped;
  capped.cheap.availability = Availability::kUnresolvedCap;
  EXPECT_EQ(capped().processor, 1);
  capped.dear.availability = Availability::kUnresolvedCap;
  EXPECT_EQ(capped().processor, kNobody);
}

TEST(Policy, AnyNumberOfProcessors) {
  std::vector<ProcessorView> views;
  views.reserve(5);
  for (int i = 0; i < 5; ++i) {
    views.push_back({.id = static_cast<payments::ProcessorId>(i),
                     .fee_ppm = 90'000 - 10'000 * i,
                     .latency_ms = 5,
                     .in_flight_cap = 10});
  }
  EXPECT_EQ(Choose(views, {}, {}).processor, 4);
  views[4].availability = Availability::kUnresolvedCap;
  EXPECT_EQ(Choose(views, {}, {}).processor, 3);
}

TEST(Explain, SaysWhyInNumbers) {
  Case out;
  Break(out.cheap, 60'000);
  out.dear.unavailable_ppm = 500'000;
  const Routing routing = Explain({out.cheap, out.dear}, out.moment, out.options, &Choose);
  const std::string text = Describe(routing, {"default", "fallback"});
  EXPECT_NE(text.find("payments go to fallback"), std::string::npos) << text;
  EXPECT_NE(text.find("15.00 % fee"), std::string::npos) << text;
  EXPECT_NE(text.find("default: out of order, back in about 60.0 s"), std::string::npos) << text;
}

}  // namespace
}  // namespace tollgate::forward

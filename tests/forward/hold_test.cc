// What the routing rule holds back for the sake of audits: departures and pauses.
#include <gtest/gtest.h>

#include <array>

#include "tollgate/forward/audit_calendar.h"
#include "tollgate/forward/policy.h"

namespace tollgate::forward {
namespace {

constexpr payments::ProcessorId kNobody = payments::kNoProcessor;
constexpr int64_t kBeginMs = 1'900'000'000'000;  // of a second

// A cheap one and a dear one, under load and with audits.
struct Case {
  ProcessorView cheap{.id = 0, .fee_ppm = 50'000, .latency_ms = 5, .in_flight_cap = 350};
  ProcessorView dear{.id = 1, .fee_ppm = 150'000, .latency_ms = 5, .in_flight_cap = 350};
  Moment moment{.now_ms = 1'000'000, .wall_ms = kBeginMs + 40, .arrivals_per_s = 500};
  PolicyOptions options{.audit_lag_ms = 1'500};

  Choice operator()() const {
    const std::array<ProcessorView, 2> views{cheap, dear};
    return Choose(views, moment, options);
  }
};

TEST(Hold, PaymentsForASlowOneLeaveTogether) {
  Case slow;
  slow.cheap.latency_ms = 300;
  EXPECT_EQ(slow().processor, kNobody);
  EXPECT_EQ(slow().wait_until_ms, slow.moment.now_ms + 50) << "the rule looks again each 50 ms";
  slow.moment.wall_ms = kBeginMs + 190;
  EXPECT_EQ(slow().wait_until_ms, slow.moment.now_ms + 10);
  slow.moment.wall_ms = kBeginMs + 200;
  EXPECT_EQ(slow().processor, 0);
  slow.moment.wall_ms = kBeginMs + 200 + kDepartureMs;
  EXPECT_EQ(slow().processor, kNobody);
}

TEST(Hold, OneThatFallsSilentGetsNothingUntilItAnswersOrIsStalled) {
  Case paused;
  paused.cheap.pause_left_ms = 30;
  EXPECT_EQ(paused().processor, kNobody);
  EXPECT_EQ(paused().wait_until_ms, paused.moment.now_ms + 30);
  paused.cheap.pause_left_ms = 0;
  EXPECT_EQ(paused().processor, 0);
  paused.cheap.stalled = true;
  EXPECT_EQ(paused().processor, 1);
}

TEST(Hold, NothingIsHeldForTheDearerOneToWait) {
  Case paused;
  paused.dear.pause_left_ms = 100;
  paused.dear.latency_ms = 400;
  EXPECT_EQ(paused().processor, 0);
}

// The stalled one would be in its burst, and the other one is held.
TEST(Hold, AHeldOneIsWaitedForRatherThanAStalledOne) {
  Case stalled;
  stalled.cheap.stalled = true;
  stalled.cheap.latency_ms = 2'000;
  stalled.dear.latency_ms = 60;
  stalled.moment.burst_phase_ms = (stalled.moment.wall_ms + 2'000) % 1'000;
  EXPECT_EQ(stalled().processor, kNobody);
  stalled.moment.wall_ms = kBeginMs + 50;
  stalled.moment.burst_phase_ms = 50;
  EXPECT_EQ(stalled().processor, 1);
}

// Its first one has refused it. Behind it are payments that the first one would take now.
TEST(Hold, ARefusedPaymentDoesNotHoldUpTheOthers) {
  Case refused;
  refused.moment.refused_by = 0;
  refused.dear.latency_ms = 300;
  EXPECT_EQ(refused().processor, 1);
}

TEST(Hold, NotBeyondTheLongestWait) {
  Case slow;
  slow.cheap.latency_ms = 300;
  slow.options.wait_for_cheaper_ms_max = 30;
  slow.moment.age_ms = 10;
  EXPECT_EQ(slow().wait_until_ms, slow.moment.now_ms + 20);
}

TEST(Hold, WhileOneIsHeldNoPaymentIsTheProbeOfADearerOne) {
  Case held;
  held.cheap.latency_ms = 60;
  held.dear.availability = Availability::kProbeDue;
  EXPECT_EQ(held().processor, kNobody);
  held.cheap.latency_ms = 5;
  held.cheap.pause_left_ms = 50;
  EXPECT_EQ(held().processor, kNobody);
}

TEST(Hold, WhileOneIsHeldNoPaymentGoesToADearerOne) {
  for (int64_t phase = 0; phase < 200; ++phase) {
    Case slow;
    slow.cheap.latency_ms = 300;
    slow.moment.wall_ms = kBeginMs + phase;
    EXPECT_EQ(slow().processor, phase < kDepartureMs ? 0 : kNobody) << phase;
  }
}

// Each of these alone lets payments go on.
TEST(Hold, NothingIsHeldWhereItWouldCostMoreThanItGives) {
  const auto taken = [](auto change) {
    Case held;
    held.cheap.latency_ms = 300;
    held.cheap.pause_left_ms = 30;
    EXPECT_EQ(held().processor, kNobody);
    change(held);
    return held().processor;
  };
  EXPECT_EQ(taken([](Case& it) { it.options.audit_lag_ms = 0; }), 0) << "nobody looks";
  EXPECT_EQ(taken([](Case& it) { it.moment.arrivals_per_s = 19; }), 0) << "it comes alone";
  EXPECT_EQ(taken([](Case& it) { it.moment.load_ended = true; }), 0) << "the end is near";
  EXPECT_EQ(taken([](Case& it) { it.moment.waiting = 350; }), 0) << "there are more than places";
  EXPECT_EQ(taken([](Case& it) { it.moment.may_hold = false; }), 0) << "it is for people";
  EXPECT_EQ(taken([](Case& it) { it.options.wait_for_cheaper_ms_max = 0; }), 0) << "MAX_WAIT=0";
  EXPECT_EQ(taken([](Case& it) { it.moment.age_ms = 20'000; }), 0) << "it has waited long";
  EXPECT_EQ(taken([](Case& it) { it.moment.left_ms = 1'200; }), 0) << "the cutoff is near";
  EXPECT_EQ(taken([](Case& it) { it.moment.refused_by = 1; }), 0) << "others wait behind it";
}

// With both of them slow, the wait costs nothing but itself.
TEST(Hold, AlsoWhileBothAreSlow) {
  Case slow;
  slow.cheap.latency_ms = 300;
  slow.dear.latency_ms = 250;
  EXPECT_EQ(slow().processor, kNobody);
  slow.moment.wall_ms = kBeginMs;
  EXPECT_EQ(slow().processor, 0);
}

}  // namespace
}  // namespace tollgate::forward

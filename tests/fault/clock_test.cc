// Gateways with wall clocks that are wrong in different ways. The books agree with the processors
// to the millisecond at any time.
#include <gtest/gtest.h>

#include <ctime>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class Clocks : public FaultTest {
 protected:
  static std::map<std::string, std::string> Wrong(const std::string& ms) {
    return {{"LD_PRELOAD", TOLLGATE_SHIM}, {"TOLLGATE_SHIM_CLOCK_MS", ms}};
  }
};

TEST_F(Clocks, SkewedBetweenInstancesLoseNothingAndShiftNoPayment) {
  if (std::string(TOLLGATE_SHIM).empty()) GTEST_SKIP() << "sanitizers and LD_PRELOAD do not mix";
  Stack stack({.gateway_arguments = {},
               .redis_arguments = {},
               .gateway_environment = {{0, Wrong("-93784321")}, {1, Wrong("777123")}}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":30})");
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    const size_t victim = Random(2);
    PauseUpTo(800);
    stack.gateway(victim).Kill();
    CountRound();
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  // Both clocks were used, and they differ by more than a day.
  int64_t first_ms = INT64_MAX;
  int64_t last_ms = 0;
  for (const auto& [id, payment] : stack.Held(0)) {
    first_ms = std::min(first_ms, payment.requested_at_ms);
    last_ms = std::max(last_ms, payment.requested_at_ms);
  }
  EXPECT_GT(last_ms - first_ms, 86'400'000);
}

// An operator sets a clock, or corrects it. What a gateway had sent before it was killed is
// finished with a clock that says another month. Both gateways have the same payments.
TEST_F(Clocks, MovedByWeeksAcrossAKillLoseNothing) {
  if (std::string(TOLLGATE_SHIM).empty()) GTEST_SKIP() << "sanitizers and LD_PRELOAD do not mix";
  constexpr int64_t kWeekMs = 7 * 86'400'000;
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // When a gateway is killed, there are payments in all states.
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":60})");
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"drop_answer","probability":0.02})");
  }
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  bool ahead = Random(2) == 0;
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    const size_t victim = Random(2);
    PauseUpTo(800);
    stack.gateway(victim).Kill();
    CountRound();
    const auto weeks = static_cast<int64_t>(1 + Random(8));
    const int64_t moved_ms = (ahead ? weeks : -weeks) * kWeekMs + static_cast<int64_t>(Random(999));
    ahead = !ahead;
    stack.SetGatewayEnvironment(victim, Wrong(std::to_string(moved_ms)));
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
  }
  PauseUpTo(800);
  load.Stop();
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":0})");
    stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  ExpectClean(stack, load, stack.front());
  int64_t first_ms = INT64_MAX;
  int64_t last_ms = 0;
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_contradictions_total"), 0) << stack.Logs();
    for (const auto& [id, payment] : stack.Held(i)) {
      first_ms = std::min(first_ms, payment.requested_at_ms);
      last_ms = std::max(last_ms, payment.requested_at_ms);
    }
  }
  EXPECT_GE(last_ms - first_ms, kWeekMs) << "a moved clock was at work";
}

// A machine without a battery starts in 1970; on another one the clock was mistyped.
TEST_F(Clocks, OutsideOfWhatAPaymentCanHoldPaymentsAreKeptAndSentOnceItIsRight) {
  if (std::string(TOLLGATE_SHIM).empty()) GTEST_SKIP() << "sanitizers and LD_PRELOAD do not mix";
  const auto now_s = static_cast<long long>(::time(nullptr));
  const long long to_1970_ms = -(now_s - 86'400) * 1'000;
  const long long to_2060_ms = (2'840'140'800LL - now_s) * 1'000;
  Stack stack({.gateway_arguments = {},
               .redis_arguments = {},
               .haproxy = false,
               .gateway_environment = {{0, Wrong(std::to_string(to_1970_ms))},
                                       {1, Wrong(std::to_string(to_2060_ms))}}});
  stack.StartRedis();
  for (size_t i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(i));
  for (size_t i = 0; i < 2; ++i) {
    stack.StartGateway(i);
    HttpClient client(stack.GatewaySocket(i));
    ASSERT_TRUE(Eventually([&] { return client.Get("/healthz").status == 200; })) << stack.Logs();
    const auto ready = client.Get("/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_NE(ready.body.find("clock"), std::string::npos) << ready.body;
    for (uint64_t n = 0; n < 20; ++n) {
      const auto answer =
          client.Post("/payments", PaymentBody(TestId(seed_, 100 * (i + 1) + n), "19.90"));
      EXPECT_EQ(answer.status, 202) << answer.body;
    }
    EXPECT_TRUE(Eventually([&] {
      return stack.gateway(i).Log().find("nothing new is sent until the clock is set right") !=
             std::string::npos;
    })) << stack.Logs();
  }
  EXPECT_TRUE(stack.Held(0).empty() && stack.Held(1).empty()) << "sent with a wrong time";
  // Operators set the clocks, and the payments go on with today's times.
  const int64_t set_right_ms = static_cast<int64_t>(::time(nullptr)) * 1'000;
  for (size_t i = 0; i < 2; ++i) {
    stack.gateway(i).Kill();
    CountRound();
    stack.SetGatewayEnvironment(i, {});
    stack.StartGateway(i);
    ASSERT_TRUE(stack.WaitReady(i)) << stack.Logs();
  }
  ASSERT_TRUE(Eventually([&] { return stack.Held(0).size() + stack.Held(1).size() == 40; }))
      << stack.Logs();
  for (size_t i = 0; i < 2; ++i) {
    for (const auto& [id, payment] : stack.Held(i)) {
      EXPECT_GE(payment.requested_at_ms, set_right_ms) << id;
    }
  }
  EXPECT_TRUE(Eventually([&] {
    return Stack::Summary(stack.GatewaySocket(0)) == stack.HeldTotals();
  })) << stack.Logs();
}

// A processor's answer is untrusted input: it stops no gateway, at no start.
TEST_F(Clocks, OfAProcessorThatSaysAnImpossibleTimeStopNoGateway) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // A time that no slot can hold, and one that no gateway can have sent.
  const std::string ids[] = {TestId(seed_, 1), TestId(seed_, 2)};
  const std::string times[] = {"2061-01-01T00:00:00.000Z", "2050-01-01T00:00:00.000Z"};
  for (size_t n = 0; n < 2; ++n) {
    for (size_t i = 0; i < 2; ++i) {
      const auto booked =
          HttpClient(stack.ProcessorAddress(i))
              .Post("/payments", R"({"correlationId":")" + ids[n] +
                                     R"(","amount":19.90,"requestedAt":")" + times[n] + R"("})");
      ASSERT_EQ(booked.status, 200) << booked.body;
    }
    HttpClient client(stack.GatewaySocket(0));
    ASSERT_EQ(client.Post("/payments", PaymentBody(ids[n], "19.90")).status, 202);
  }
  const auto state_is = [&](const std::string& id, const std::string& state) {
    const auto shown = HttpClient(stack.GatewaySocket(0)).Get("/payments/" + id);
    return shown.body.find(R"("state":")" + state + '"') != std::string::npos;
  };
  for (int start = 0; start < 3; ++start) {
    const std::string next = TestId(seed_, 10 + static_cast<uint64_t>(start));
    HttpClient client(stack.GatewaySocket(0));
    ASSERT_EQ(client.Post("/payments", PaymentBody(next, "1.00")).status, 202);
    EXPECT_TRUE(Eventually([&] { return state_is(next, "booked"); })) << stack.Logs();
    for (const std::string& id : ids) {
      EXPECT_TRUE(Eventually([&] { return state_is(id, "unresolved"); })) << stack.Logs();
    }
    EXPECT_TRUE(Eventually([&] {
      return stack.gateway(0).Log().find("which no gateway can have sent") != std::string::npos;
    })) << stack.Logs();
    stack.gateway(0).Kill();
    CountRound();
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  }
}

}  // namespace
}  // namespace tollgate::testing

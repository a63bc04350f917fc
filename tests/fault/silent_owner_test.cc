// A gateway and its table are lost while its payments are in flight, and clients repeat them at
// another gateway. Each is charged once, and the other gateway finishes everything that it
// accepted.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class SilentOwner : public FaultTest {
 protected:
  static StackOptions Options(std::vector<std::string> arguments) {
    StackOptions options;
    options.gateway_arguments = std::move(arguments);
    options.haproxy = false;
    return options;
  }
  // Its payments may or may not be at the processors; it does not know. Some are in flight when
  // this returns, and stay so for seconds, because the processors answer the last ones late.
  void LoadWithUnknownOutcomes(Stack& stack, Load& load) {
    for (size_t i = 0; i < 2; ++i) {
      stack.Configure(i, "/admin/configurations/faults",
                      R"({"kind":"drop_answer","probability":0.5})");
      stack.Configure(i, "/admin/configurations/delay", R"({"delay":300})");
    }
    load.Start();
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    for (size_t i = 0; i < 2; ++i) {
      stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
      stack.Configure(i, "/admin/configurations/delay", R"({"delay":4000})");
    }
    std::this_thread::sleep_for(
        std::chrono::milliseconds(400));  // the former slow answers have arrived
    ASSERT_TRUE(Eventually([&] { return Claims(stack) > 50; }, 30'000)) << stack.Logs();
    load.Stop();
    ASSERT_GT(load.accepted_count(), 100U);
  }
  static size_t Claims(Stack& stack) {
    return std::stoul(stack.RedisCli({"hlen", "tollgate:claims"}));
  }
  static void EndDelay(Stack& stack) {
    for (size_t i = 0; i < 2; ++i) {
      stack.Configure(i, "/admin/configurations/delay", R"({"delay":0})");
    }
  }
  static void Repeat(const Load& load, const std::string& address) {
    HttpClient client(address);
    for (const auto* ids : {&load.accepted(), &load.uncertain()}) {
      for (const auto& [id, cents] : *ids) {
        char amount[32];
        std::snprintf(amount, sizeof(amount), "%lld.%02lld", static_cast<long long>(cents / 100),
                      static_cast<long long>(cents % 100));
        const std::string body = PaymentBody(id, amount);
        // On a fast machine there are more payments than the table has slots. A client that is
        // told 503 asks again.
        int status = 0;
        EXPECT_TRUE(Eventually(
            [&] {
              status = client.Post("/payments", body).status;
              return status != 503;
            },
            30'000));
        ASSERT_EQ(status, 202);
      }
    }
  }
  static bool Says(const ChildProcess& process, const std::string& text) {
    return process.Log().find(text) != std::string::npos;
  }
};

TEST_F(SilentOwner, WhatClientsRepeatIsTakenOverFromAGatewayThatIsLost) {
  Stack stack(Options({"--takeover-after", "6s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 8});
  ASSERT_NO_FATAL_FAILURE(LoadWithUnknownOutcomes(stack, load));
  stack.gateway(0).Kill();
  std::filesystem::remove_all(stack.DataFolder(0));
  CountRound();
  EndDelay(stack);
  EXPECT_GT(Claims(stack), 0U);
  // At once, while the other gateway cannot know yet that it is lost.
  Repeat(load, stack.GatewaySocket(1));
  EXPECT_TRUE(Eventually([&] { return Says(stack.gateway(1), "has been silent for 6 s"); }, 20'000))
      << stack.Logs();
  ExpectClean(stack, load, stack.GatewaySocket(1));
  EXPECT_EQ(Claims(stack), 0U);
  EXPECT_GT(stack.Metric(1, "tollgate_taken_over_total"), 0);
}

TEST_F(SilentOwner, AGatewayWithoutATableSaysThatItIsGoneAndNobodyWaits) {
  Stack stack(
      Options({"--durability", "memory", "--takeover-after", "10m", "--drain-timeout", "1s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 8});
  ASSERT_NO_FATAL_FAILURE(LoadWithUnknownOutcomes(stack, load));
  stack.gateway(0).Signal(SIGTERM);
  ASSERT_EQ(stack.gateway(0).WaitExit(20'000), 0);
  CountRound();
  EndDelay(stack);
  EXPECT_GT(Claims(stack), 0U);
  Repeat(load, stack.GatewaySocket(1));
  ExpectClean(stack, load, stack.GatewaySocket(1));
  EXPECT_EQ(Claims(stack), 0U);
  EXPECT_TRUE(Says(stack.gateway(1), "has ended and its table with it")) << stack.Logs();
}

// It sleeps, and is back after the other gateway has taken over.
TEST_F(SilentOwner, OneThatComesBackChargesNothingTwice) {
  Stack stack(Options({"--takeover-after", "5s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 8});
  ASSERT_NO_FATAL_FAILURE(LoadWithUnknownOutcomes(stack, load));
  stack.gateway(0).Signal(SIGSTOP);
  CountRound();
  EndDelay(stack);
  Repeat(load, stack.GatewaySocket(1));
  EXPECT_TRUE(Eventually([&] { return stack.Metric(1, "tollgate_taken_over_total") > 0; }, 20'000))
      << stack.Logs();
  PauseUpTo(3'000);
  stack.gateway(0).Signal(SIGCONT);
  ExpectClean(stack, load, stack.GatewaySocket(1));
  EXPECT_TRUE(Eventually([&] { return Claims(stack) == 0; }));
  EXPECT_FALSE(Says(stack.gateway(0), "double charge")) << stack.gateway(0).Log();
}

TEST_F(SilentOwner, ItsPaymentsAreCountedToldAndListed) {
  Stack stack(Options({"--takeover-after", "5s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 8});
  ASSERT_NO_FATAL_FAILURE(LoadWithUnknownOutcomes(stack, load));
  stack.gateway(0).Kill();
  CountRound();
  EndDelay(stack);
  const size_t pending = Claims(stack);
  ASSERT_GT(pending, 0U);
  EXPECT_TRUE(Eventually(
      [&] { return stack.Metric(1, "tollgate_silent_claims") == static_cast<double>(pending); },
      60'000))
      << stack.Logs();
  EXPECT_EQ(stack.Metric(1, "tollgate_silent_owners"), 1);
  EXPECT_TRUE(Says(stack.gateway(1), "payments on the books belong to 1 silent gateways"))
      << stack.gateway(1).Log();
  ChildProcess reconcile({TOLLGATE_BINARY, "reconcile", "--min-age", "0s", "--redis-url",
                          "unix://" + stack.RedisSocket(), "--takeover-after", "5s",
                          "--default-url", "http://" + stack.ProcessorAddress(0), "--fallback-url",
                          "http://" + stack.ProcessorAddress(1)},
                         stack.folder() + "/reconcile.log");
  reconcile.WaitExit(60'000);
  EXPECT_TRUE(Says(reconcile, "table of a silent gateway")) << reconcile.Log();
  // It comes back and finishes them.
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  ExpectClean(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(Eventually([&] { return stack.Metric(1, "tollgate_silent_claims") == 0; }, 60'000));
}

}  // namespace
}  // namespace tollgate::testing

// What a real gateway does with each signal, and with the files of its sockets.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

StackOptions One() {
  return {.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false};
}

TEST(Signals, ThoseThatDoNotAskForTheEndAreToldAndPaymentsGoOn) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 24, .threads = 2, .pause_us = 1'000});
  load.Start();
  const std::pair<int, std::string> reported[] = {
      {SIGHUP, "SIGHUP"},
      {SIGUSR1, "SIGUSR1"},
      {SIGUSR2, "SIGUSR2"},
      {SIGALRM, "SIGALRM"},
      {SIGSTKFLT, "SIGSTKFLT"},
      {SIGIO, "SIGPOLL"},
      {SIGRTMIN + 1, "signal " + std::to_string(SIGRTMIN + 1)}};
  for (const auto& [number, name] : reported) {
    stack.gateway(0).Signal(number);
    EXPECT_TRUE(Eventually([&, text = name + " is ignored"] {
      return stack.gateway(0).Log().find(text) != std::string::npos;
    })) << name
        << stack.gateway(0).Log();
  }
  // Ignored without a log line: a system call reports the same, or they belong to a profiler.
  for (const int number : {SIGPIPE, SIGXFSZ, SIGPROF, SIGVTALRM}) {
    stack.gateway(0).Signal(number);
  }
  const size_t before = load.accepted_count();
  EXPECT_TRUE(Eventually([&] { return load.accepted_count() > before + 20; }));
  EXPECT_TRUE(stack.gateway(0).running());
  load.Stop();
  EXPECT_TRUE(load.failures().empty());
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
}

class StopSignals : public ::testing::TestWithParam<int> {};

TEST_P(StopSignals, DrainAndLoseNothing) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 25, .threads = 2});
  load.Start();
  ASSERT_TRUE(Eventually([&] { return load.accepted_count() > 50; }));
  stack.gateway(0).Signal(GetParam());
  EXPECT_EQ(stack.gateway(0).WaitExit(60'000), 0) << stack.gateway(0).Log();
  EXPECT_NE(stack.gateway(0).Log().find("stopped; "), std::string::npos) << stack.gateway(0).Log();
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  load.Stop();
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
}

INSTANTIATE_TEST_SUITE_P(All, StopSignals,
                         ::testing::Values(SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU),
                         [](const auto& it) { return std::string(sigabbrev_np(it.param)); });

// The files were removed by an operator or a cleaner, and a successor made its own.
TEST(SocketFiles, OfASuccessorOutliveTheEndOfItsPredecessor) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  ChildProcess predecessor = std::move(stack.gateway(0));
  for (const std::string& path : {stack.GatewaySocket(0), stack.AdminSocket(0)}) {
    ASSERT_TRUE(std::filesystem::remove(path));
  }
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  predecessor.Signal(SIGTERM);
  EXPECT_EQ(predecessor.WaitExit(60'000), 0) << predecessor.Log();
  EXPECT_EQ(HttpClient(stack.GatewaySocket(0)).Get("/readyz").status, 200);
  EXPECT_EQ(HttpClient(stack.AdminSocket(0)).Get("/readyz").status, 200);
  stack.gateway(0).Signal(SIGTERM);
  EXPECT_EQ(stack.gateway(0).WaitExit(60'000), 0) << stack.Logs();
  EXPECT_FALSE(std::filesystem::exists(stack.GatewaySocket(0))) << "its own it removes";
  EXPECT_FALSE(std::filesystem::exists(stack.AdminSocket(0)));
}

}  // namespace
}  // namespace tollgate::testing

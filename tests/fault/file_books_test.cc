// Two gateways whose books are one file, killed under load, with the audit at the end. Redis runs
// and is not asked.
#include <gtest/gtest.h>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class FileBooksFault : public FaultTest {
 protected:
  static void UseOneFile(Stack& stack) {
    stack.AddGatewayArguments({"--books", "file", "--data-dir", stack.folder() + "/shared"});
  }
  void ExpectNothingInRedis(Stack& stack) { EXPECT_EQ(stack.RedisCli({"dbsize"}), "0\n"); }
};

// Two gateways that begin together each find the other's table.
TEST_F(FileBooksFault, ATableThatWasToldToNobodyDelaysNoNewFleet) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  UseOneFile(stack);
  const std::string socket = stack.folder() + "/other.sock";
  const ChildProcess other(
      {TOLLGATE_BINARY, "--server-socket", socket, "--redis-socket",
       stack.folder() + "/nobody.sock", "--data-dir", stack.folder() + "/shared"},
      socket + ".log");
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/healthz").status == 200; }))
      << other.Log();
  const int64_t began_ms = SteadyMillis();
  stack.StartGateway(0);
  EXPECT_TRUE(Eventually([&] { return !Stack::Summary(stack.GatewaySocket(0)).empty(); }));
  EXPECT_LT(SteadyMillis() - began_ms, 1'500) << "it waited for others who may know the books";
}

TEST_F(FileBooksFault, AGatewayKilledUnderLoadLosesNothingAndShowsNoClientAnError) {
  Stack stack;
  UseOneFile(stack);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  ASSERT_NO_FATAL_FAILURE(KillOneOfTwo(stack, rounds_));
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
  ExpectNothingInRedis(stack);
}

TEST_F(FileBooksFault, BothGatewaysKilledLoseNothing) {
  Stack stack;
  UseOneFile(stack);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(600);
    stack.gateway(0).Kill();
    stack.gateway(1).Kill();
    CountRound();
    stack.StartGateway(0);
    stack.StartGateway(1);
    ASSERT_TRUE(stack.WaitReady(0) && stack.WaitReady(1)) << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNothingInRedis(stack);
}

// The other one waits for its lock, then says so; nothing is lost when it goes on.
TEST_F(FileBooksFault, AGatewayPausedUnderLoadLosesNothing) {
  Stack stack;
  UseOneFile(stack);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(400);
    stack.gateway(0).Signal(SIGSTOP);
    CountRound();
    PauseUpTo(1'000);
    stack.gateway(0).Signal(SIGCONT);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
}

}  // namespace
}  // namespace tollgate::testing

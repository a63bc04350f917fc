// Real processes killed with SIGKILL under load. Every test ends with the audit: no accepted
// payment is lost, none is charged twice, the summary equals the processors' books to the cent.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class KillTest : public FaultTest {};

TEST_F(KillTest, AGatewayKilledUnderLoadLosesNothingAndShowsNoClientAnError) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  ASSERT_NO_FATAL_FAILURE(KillOneOfTwo(stack, rounds_));
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

TEST_F(KillTest, AGatewayKilledAgainDuringItsRecoveryLosesNothing) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // A slow processor keeps many payments between two states.
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":150})");
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_; ++round) {
    PauseUpTo(500);
    stack.gateway(0).Kill();
    stack.StartGateway(0);
    PauseUpTo(60);
    stack.gateway(0).Kill();
    CountRound();
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  }
  load.Stop();
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":0})");
  ExpectClean(stack, load, stack.GatewaySocket(0));
}

TEST_F(KillTest, BothGatewaysAndHaproxyKilledLoseNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(600);
    stack.gateway(0).Kill();
    stack.gateway(1).Kill();
    stack.haproxy().Kill();
    CountRound();
    stack.StartGateway(0);
    stack.StartGateway(1);
    stack.StartHaproxy();
    ASSERT_TRUE(stack.WaitReady(0) && stack.WaitReady(1)) << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
}

TEST_F(KillTest, SigtermUnderLoadDrainsAndExitsWithZero) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < 3; ++round) {
    PauseUpTo(600);
    const size_t victim = round % 2;
    stack.gateway(victim).Signal(SIGTERM);
    CountRound();
    EXPECT_EQ(stack.gateway(victim).WaitExit(15'000), 0) << stack.Logs();
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
    usleep(1'500'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

}  // namespace
}  // namespace tollgate::testing

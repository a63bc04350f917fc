// Gateways whose wall clocks are wrong, each in its own way: the books stay those of the processors
// to the millisecond, whatever the times are.
#include <gtest/gtest.h>

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
  // Both clocks were at work, a day and more apart.
  int64_t first_ms = INT64_MAX;
  int64_t last_ms = 0;
  for (const auto& [id, payment] : stack.Held(0)) {
    first_ms = std::min(first_ms, payment.requested_at_ms);
    last_ms = std::max(last_ms, payment.requested_at_ms);
  }
  EXPECT_GT(last_ms - first_ms, 86'400'000);
}

}  // namespace
}  // namespace tollgate::testing

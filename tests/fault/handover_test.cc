// A gateway never comes back. Another instance that shares its DATA_DIR finishes what it accepted,
// even if that instance is killed while it does so.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class HandOver : public FaultTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(HandOver, ToAnotherInstanceLosesNothing) {
  const TemporaryFolder shared;
  Stack stack({.gateway_arguments = {"--data-dir", shared.path(), "--durability", GetParam()},
               .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // When it is killed, there are payments in all states, some with an unknown outcome.
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":150})");
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"drop_answer","probability":0.1})");
  }
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  PauseUpTo(1'500);
  const std::string orphan = shared / "gateway-1.sock.table";
  ASSERT_TRUE(std::filesystem::exists(orphan));
  stack.gateway(0).Kill();
  CountRound();
  PauseUpTo(500);
  load.Stop();
  const auto adopts = [&](size_t times) {
    const std::string log = stack.gateway(1).Log();
    size_t found = 0;
    for (size_t at = log.find("is not in use"); at != std::string::npos;
         at = log.find("is not in use", at + 1)) {
      ++found;
    }
    return found >= times;
  };
  ASSERT_TRUE(Eventually([&] { return adopts(1); }, 60'000)) << stack.Logs();
  PauseUpTo(100);
  stack.gateway(1).Kill();
  CountRound();
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  stack.StartGateway(1);
  ASSERT_TRUE(stack.WaitReady(1)) << stack.Logs();
  ExpectClean(stack, load, stack.GatewaySocket(1));
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(orphan); }, 60'000))
      << "finished, and not removed" << stack.Logs();
  ExpectNoClientError(load);
}

INSTANTIATE_TEST_SUITE_P(Durabilities, HandOver, ::testing::Values("process", "disk"),
                         [](const auto& it) { return std::string(it.param); });

}  // namespace
}  // namespace tollgate::testing

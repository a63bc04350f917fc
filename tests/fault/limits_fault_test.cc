// What runs out: slots of the table, descriptors. Every test ends with the audit.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class LimitsFault : public FaultTest {};

rlim_t OpenDescriptors(pid_t pid) {
  rlim_t count = 0;
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
  for ([[maybe_unused]] const auto& entry : folder) ++count;
  return count;
}

// The soft limit alone, so that it can be raised again.
void LimitDescriptors(pid_t pid, rlim_t most) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit), 0);
  limit.rlim_cur = std::min(most, limit.rlim_max);
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr), 0);
}

TEST_F(LimitsFault, AFullTableUnderLoadTurnsAwayAndLosesNothing) {
  Stack stack({.gateway_arguments = {"--table-slots", "512"}, .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load(
      {.addresses = {stack.GatewaySocket(0), stack.GatewaySocket(1)}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    stack.Configure(0, "/admin/configurations/failure", R"({"failure":true})");
    stack.Configure(1, "/admin/configurations/failure", R"({"failure":true})");
    const auto turned_away = [&](size_t index) {
      return stack.Metric(index, R"(tollgate_refused_total{reason="table_full"})");
    };
    const double before = turned_away(0) + turned_away(1);
    EXPECT_TRUE(Eventually([&] { return turned_away(0) + turned_away(1) > before; }))
        << stack.Metrics(0);
    const size_t victim = Random(2);
    stack.gateway(victim).Kill();
    CountRound();
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
    stack.Configure(0, "/admin/configurations/failure", R"({"failure":false})");
    stack.Configure(1, "/admin/configurations/failure", R"({"failure":false})");
    const size_t accepted = load.accepted_count();
    EXPECT_TRUE(Eventually([&] { return load.accepted_count() > accepted; }));
  }
  load.Stop();
  EXPECT_TRUE(load.failures().contains(503));
  ExpectClean(stack, load, stack.GatewaySocket(0));
}

TEST_F(LimitsFault, WithoutDescriptorsNothingIsLostAndNothingStays) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // Answers that end the connection, so that new ones are wanted all the time.
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"drop_answer","probability":0.2})");
  }
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(500);
    const size_t victim = Random(2);
    const pid_t pid = stack.gateway(victim).pid();
    LimitDescriptors(pid, OpenDescriptors(pid) - Random(4));
    CountRound();
    // Its connections to Redis must be made anew, and cannot be.
    stack.RedisCli({"client", "kill", "type", "normal"});
    PauseUpTo(1'500);
    EXPECT_TRUE(stack.gateway(victim).running());
    LimitDescriptors(pid, 100'000);
  }
  load.Stop();
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  ExpectClean(stack, load, stack.front());
}

}  // namespace
}  // namespace tollgate::testing

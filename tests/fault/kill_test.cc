// Real processes killed with SIGKILL under load. Every test ends with the audit: nothing accepted
// is lost, nothing is charged twice, the summary equals what the processors hold to the cent.
//
// TOLLGATE_FAULT_ROUNDS and TOLLGATE_FAULT_SEED change how often, and from which seed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

uint64_t Setting(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

class KillTest : public ::testing::Test {
 protected:
  KillTest() : seed_(Setting("TOLLGATE_FAULT_SEED", 20261124)), random_(seed_) {
    RecordProperty("seed", std::to_string(seed_));
  }
  void PauseUpTo(int ms) {
    usleep(static_cast<useconds_t>(1000 * std::uniform_int_distribution<int>(1, ms)(random_)));
  }
  void ExpectClean(Stack& stack, const Load& load, const std::string& address) {
    const AuditResult result = Audit(stack, load, address);
    std::printf("    %s (seed %llu)\n", result.text().c_str(),
                static_cast<unsigned long long>(seed_));
    EXPECT_TRUE(result.clean()) << result.text() << ", seed " << seed_ << stack.Logs();
    EXPECT_GT(result.accepted, 0U);
  }
  const uint64_t seed_;
  const uint64_t rounds_ = Setting("TOLLGATE_FAULT_ROUNDS", 6);
  std::mt19937_64 random_;
};

TEST_F(KillTest, AGatewayKilledUnderLoadLosesNothingAndShowsNoClientAnError) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_; ++round) {
    const size_t victim = random_() % 2;
    PauseUpTo(600);
    stack.gateway(victim).Kill();
    PauseUpTo(300);
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
    // HAProxy must see it well before the other one may go.
    usleep(1'500'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  EXPECT_TRUE(load.failures().empty()) << "clients saw " << load.failures().begin()->second
                                       << " answers of status " << load.failures().begin()->first;
}

TEST_F(KillTest, AGatewayKilledAgainDuringItsRecoveryLosesNothing) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // A slow processor keeps many payments between their states.
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":150})");
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 4});
  load.Start();
  for (uint64_t round = 0; round < rounds_; ++round) {
    PauseUpTo(500);
    stack.gateway(0).Kill();
    stack.StartGateway(0);
    PauseUpTo(60);
    stack.gateway(0).Kill();
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
    stack.StartGateway(0);
    stack.StartGateway(1);
    stack.StartHaproxy();
    ASSERT_TRUE(stack.WaitReady(0) && stack.WaitReady(1)) << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
}

TEST_F(KillTest, RedisKilledAndRestartedLosesNothing) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 500});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(700);
    stack.redis().Kill();
    PauseUpTo(300);
    stack.StartRedis();
    PauseUpTo(3000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  EXPECT_FALSE(load.failures().contains(0));
}

TEST_F(KillTest, RedisPausedWithCommandsWaitingLosesNothing) {
  Stack stack({.gateway_arguments = {"--redis-read-timeout", "1s", "--redis-write-timeout", "1s"},
               .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 500});
  load.Start();
  PauseUpTo(800);
  stack.redis().Signal(SIGSTOP);
  usleep(5'000'000);
  stack.redis().Signal(SIGCONT);
  PauseUpTo(2000);
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
    EXPECT_EQ(stack.gateway(victim).WaitExit(15'000), 0) << stack.Logs();
    stack.StartGateway(victim);
    ASSERT_TRUE(stack.WaitReady(victim)) << stack.Logs();
    usleep(1'500'000);
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  EXPECT_TRUE(load.failures().empty());
}

}  // namespace
}  // namespace tollgate::testing

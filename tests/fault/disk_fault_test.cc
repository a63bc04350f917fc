// Disks that are full or fail, real ones if possible. Every test under load ends with the audit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/fault/fault_fixture.h"
#include "tests/support/small_disk.h"

namespace tollgate::testing {
namespace {

class DiskFault : public FaultTest {
 protected:
  static StackOptions One(std::vector<std::string> arguments) {
    return {.gateway_arguments = std::move(arguments),
            .redis_arguments = {},
            .gateways = 1,
            .haproxy = false};
  }
};

TEST_F(DiskFault, AFullDiskAtStartUpIsAnErrorThatSaysWhatToDo) {
  const TemporaryFolder folder;
  SmallDisk disk(folder.path(), 1U << 20U);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  ChildProcess gateway({TOLLGATE_BINARY, "--server-socket", folder / "g.sock", "--data-dir",
                        folder.path(), "--table-slots", "65536"},
                       folder / "log");
  EXPECT_EQ(gateway.WaitExit(20'000), 1);
  const std::string log = gateway.Log();
  EXPECT_NE(log.find("No space left on device"), std::string::npos) << log;
  EXPECT_NE(log.find("free some space or lower TABLE_SLOTS"), std::string::npos) << log;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find(".table"), std::string::npos)
        << "a part of a table was left behind: " << entry.path();
  }
}

// The whole table is written at start-up, so a disk that fills later cannot harm it.
TEST_F(DiskFault, ADiskThatFillsUnderLoadLosesNothingAndClosesNothing) {
  Stack stack(One({"--durability", "disk", "--table-slots", "16384"}));
  SmallDisk disk(stack.DataFolder(0), 8U << 20U);
  if (!disk.problem().empty()) GTEST_SKIP() << disk.problem();
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 4, .pause_us = 500});
  load.Start();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(500);
    disk.Fill();
    EXPECT_EQ(disk.FreeBytes(), 0U);
    CountRound();
    const size_t before = load.accepted_count();
    PauseUpTo(500);
    EXPECT_TRUE(Eventually([&] { return load.accepted_count() > before; }));
    stack.gateway(0).Kill();
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
    disk.Free();
  }
  load.Stop();
  ExpectClean(stack, load, stack.GatewaySocket(0));
  EXPECT_FALSE(load.failures().contains(503));
}

// A disk that promises more space than it has (a thin volume, a copy-on-write file system) fails at
// the sync. Payments are answered 503 until a sync of everything succeeds, and nothing is sent
// meanwhile.
TEST_F(DiskFault, ADiskWhoseSyncsFailTurnsAwayLosesNothingAndRecoversWithoutARestart) {
  if (std::string(TOLLGATE_SHIM).empty()) GTEST_SKIP() << "sanitizers and LD_PRELOAD do not mix";
  const TemporaryFolder folder;
  const std::string fails = folder / "fails";
  StackOptions options = One({"--durability", "disk"});
  options.gateway_environment[0] = {{"LD_PRELOAD", TOLLGATE_SHIM},
                                    {"TOLLGATE_SHIM_SYNC_FAILS", fails}};
  Stack stack(options);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 4, .pause_us = 500});
  load.Start();
  const pid_t gateway = stack.gateway(0).pid();
  for (uint64_t round = 0; round < rounds_ / 2 + 1; ++round) {
    PauseUpTo(500);
    std::ofstream(fails).flush();
    CountRound();
    // The load's first payment again: a repeat adds nothing.
    const std::string repeat = PaymentBody(TestId(seed_, 0), "0.01");
    EXPECT_TRUE(Eventually([&] {
      return HttpClient(stack.GatewaySocket(0), 200).Post("/payments", repeat).status == 503;
    })) << stack.Metrics(0);
    // Requests that need no disk are answered as usual.
    EXPECT_EQ(HttpClient(stack.GatewaySocket(0)).Get("/readyz").status, 200);
    const size_t accepted = load.accepted_count();
    usleep(300'000);
    EXPECT_EQ(load.accepted_count(), accepted) << "202 without a sync";
    std::filesystem::remove(fails);
    EXPECT_TRUE(Eventually([&] { return load.accepted_count() > accepted; }));
  }
  load.Stop();
  EXPECT_EQ(stack.gateway(0).pid(), gateway);
  EXPECT_GT(stack.Metric(0, R"(tollgate_refused_total{reason="disk_failed"})"), 0);
  ExpectClean(stack, load, stack.GatewaySocket(0));
}

TEST_F(DiskFault, GatewaysKilledUnderLoadWithDiskDurabilityLoseNothing) {
  Stack stack({.gateway_arguments = {"--durability", "disk"}, .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4});
  load.Start();
  ASSERT_NO_FATAL_FAILURE(KillOneOfTwo(stack, rounds_));
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
}

}  // namespace
}  // namespace tollgate::testing

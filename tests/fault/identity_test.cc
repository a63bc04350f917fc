// Whose table and whose books: two fleets in one folder, a copy of a table beside it, a restored
// backup of a table, a name that leads to other books. Real processes; each test ends with the
// audit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class Identity : public FaultTest {
 protected:
  static bool Says(const ChildProcess& process, const std::string& text) {
    return process.Log().find(text) != std::string::npos;
  }
  static std::string TableOf(const Stack& stack, size_t gateway) {
    return stack.DataFolder(gateway) + "/gateway-" + std::to_string(gateway + 1) + ".sock.table";
  }
  // Payments are accepted, and none is finished.
  static void Delay(Stack& stack, int ms) {
    for (size_t i = 0; i < 2; ++i) {
      stack.Configure(i, "/admin/configurations/delay", "{\"delay\":" + std::to_string(ms) + "}");
    }
  }
};

TEST_F(Identity, AnotherFleetInTheSameFolderLeavesTheTableAlone) {
  Stack ours;
  Stack theirs({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(ours.Start());
  ASSERT_NO_FATAL_FAILURE(theirs.Start());
  Delay(ours, 500);
  Load load({.addresses = {ours.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  PauseUpTo(1'000);
  ours.gateway(0).Kill();
  CountRound();
  // The other fleet's gateway uses our folder as its own.
  ChildProcess stranger = theirs.StartAnother(ours.DataFolder(0), theirs.folder() + "/x.sock");
  EXPECT_TRUE(Eventually([&] { return Says(stranger, "is another fleet's"); }, 60'000))
      << stranger.Log();
  EXPECT_FALSE(Says(stranger, "finishing its")) << stranger.Log();
  EXPECT_TRUE(std::filesystem::exists(TableOf(ours, 0)));
  ours.StartGateway(0);
  ASSERT_TRUE(ours.WaitReady(0)) << ours.Logs();
  load.Stop();
  Delay(ours, 0);
  ExpectClean(ours, load, ours.front());
  EXPECT_EQ(theirs.Held(0).size() + theirs.Held(1).size(), 0U);
}

TEST_F(Identity, ACopyOfItsOwnTableInTheFolderIsLeftAlone) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 2, .haproxy = true});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  PauseUpTo(1'000);
  for (size_t i = 0; i < 2; ++i) {
    // Each finds a copy of its own table and one of the other's table.
    std::filesystem::copy_file(TableOf(stack, i), stack.DataFolder(i) + "/mine.table");
    std::filesystem::copy_file(TableOf(stack, i), stack.DataFolder(1 - i) + "/the-others.table");
  }
  CountRound();
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(Eventually(
        [&] {
          return Says(stack.gateway(i), "is a copy of a table that this instance works with");
        },
        60'000))
        << stack.Logs();
    EXPECT_TRUE(Eventually(
        [&] { return Says(stack.gateway(i), "is a copy of a table that another instance works"); },
        60'000))
        << stack.Logs();
  }
  load.Stop();
  ExpectClean(stack, load, stack.front());
  ExpectNoClientError(load);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stack.Metric(i, "tollgate_fenced_total"), 0) << stack.Logs();
  }
}

TEST_F(Identity, ABackupOfATablePutBackGoesOnAndChargesNothingTwice) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Delay(stack, 200);
  Load load({.addresses = {stack.front()}, .seed = seed_, .threads = 4, .pause_us = 1'000});
  load.Start();
  const std::string backup = stack.folder() + "/backup.table";
  for (uint64_t round = 0; round < rounds_ / 3 + 1; ++round) {
    PauseUpTo(800);
    std::filesystem::copy_file(TableOf(stack, 0), backup,
                               std::filesystem::copy_options::overwrite_existing);
    // It goes on and is restarted, so the books know newer openings than the backup's. Then it ends
    // with nothing left, so the backup lacks no payment.
    for (int i = 0; i < 2; ++i) {
      PauseUpTo(500);
      stack.gateway(0).Signal(SIGTERM);
      ASSERT_EQ(stack.gateway(0).WaitExit(20'000), 0);
      if (i == 0) {
        stack.StartGateway(0);
        ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
      }
    }
    ASSERT_TRUE(Says(stack.gateway(0), "nothing is left")) << stack.Logs();
    std::filesystem::copy_file(backup, TableOf(stack, 0),
                               std::filesystem::copy_options::overwrite_existing);
    CountRound();
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
    EXPECT_TRUE(Eventually([&] { return Says(stack.gateway(0), "goes on as a table of its own"); }))
        << stack.Logs();
  }
  load.Stop();
  Delay(stack, 0);
  ExpectClean(stack, load, stack.front());
  EXPECT_EQ(stack.Metric(0, "tollgate_fenced_total"), 0) << stack.Logs();
}

TEST_F(Identity, AFencedGatewayTakesNothingAndSaysWhy) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const std::string socket = stack.GatewaySocket(0);
  const std::string folder = stack.folder() + "/copy";
  std::filesystem::create_directory(folder);
  std::filesystem::copy_file(TableOf(stack, 0), folder + "/gateway-1.sock.table");
  ChildProcess copy = stack.StartAnother(folder, folder + "/gateway-1.sock");
  CountRound();
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/readyz").status == 503; }))
      << stack.Logs();
  EXPECT_NE(HttpClient(socket).Get("/readyz").body.find("copy of this instance's table"),
            std::string::npos);
  const auto refused = HttpClient(socket).Post("/payments", PaymentBody(TestId(seed_, 1), "1.00"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("copy of this instance's table"), std::string::npos) << refused.body;
  EXPECT_EQ(HttpClient(socket).Get("/healthz").status, 200) << "it lives";
}

TEST_F(Identity, BooksOfAnotherFleetAreNotReadyAndNothingIsSentThere) {
  Stack ours({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  Stack theirs({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(ours.Start());
  ASSERT_NO_FATAL_FAILURE(theirs.Start());
  ours.gateway(0).Signal(SIGTERM);
  ASSERT_EQ(ours.gateway(0).WaitExit(20'000), 0);
  // Our table, and the other fleet's Redis.
  const std::string socket = theirs.folder() + "/gateway-1.sock.other";
  std::filesystem::copy_file(TableOf(ours, 0), ours.DataFolder(0) + "/gateway-1.sock.other.table");
  ChildProcess lost = theirs.StartAnother(ours.DataFolder(0), socket);
  CountRound();
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/readyz").status == 503; }))
      << lost.Log();
  EXPECT_EQ(HttpClient(socket).Post("/payments", PaymentBody(TestId(seed_, 1), "1.00")).status, 202)
      << "it is kept, as while Redis is away";
  EXPECT_EQ(HttpClient(socket).Get("/payments-summary").status, 503);
  EXPECT_EQ(HttpClient(socket).Post("/purge-payments", "").status, 503);
  usleep(1'500'000);
  EXPECT_EQ(theirs.Held(0).size() + theirs.Held(1).size(), 0U);
  EXPECT_TRUE(lost.running()) << "it never ends for it";
}

}  // namespace
}  // namespace tollgate::testing

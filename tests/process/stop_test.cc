// SIGTERM at awkward moments: the process ends by itself with exit code 0, uses nothing that it has
// destroyed, and loses nothing. The sanitizer builds run these too.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

StackOptions One(std::vector<std::string> arguments) {
  return {.gateway_arguments = std::move(arguments),
          .redis_arguments = {},
          .gateways = 1,
          .haproxy = false};
}

// It ended by itself and cleanly; its log has no assertion and no sanitizer report.
void ExpectGoodEnd(Stack& stack, int timeout_ms = 60'000) {
  EXPECT_EQ(stack.gateway(0).WaitExit(timeout_ms), 0) << stack.gateway(0).Log();
  const std::string log = stack.gateway(0).Log();
  for (const char* bad : {"assertion failed", "Sanitizer", "runtime error"}) {
    EXPECT_EQ(log.find(bad), std::string::npos) << log;
  }
}

// Repeats what was not answered, as a client would; then the audit.
void ExpectNothingLost(Stack& stack, Load& load) {
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  load.Stop();
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
  EXPECT_GT(result.accepted, 0U);
}

// The last sync ends after the loops that it would wake.
TEST(StopTest, WhileASyncIsUnderWayThatOutlastsTheDrain) {
  StackOptions options = One({"--durability", "disk", "--drain-timeout", "100ms"});
  options.gateway_environment[0] = {{"LD_PRELOAD", TOLLGATE_SYNC_SHIM},
                                    {"TOLLGATE_SHIM_SYNC_MS", "700"}};
  Stack stack(options);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 11, .threads = 4});
  load.Start();
  for (int round = 0; round < 2; ++round) {
    const size_t before = load.accepted_count();
    ASSERT_TRUE(Eventually([&] { return load.accepted_count() > before; }, 60'000));
    stack.gateway(0).Signal(SIGTERM);
    ExpectGoodEnd(stack);
    if (round > 0) break;
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  }
  ExpectNothingLost(stack, load);
}

// Claims, posts and look-ups are open, and their callbacks must not run any more.
TEST(StopTest, WhileRedisAndTheProcessorsHang) {
  Stack stack(One({"--drain-timeout", "300ms"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 12, .threads = 4});
  load.Start();
  ASSERT_TRUE(Eventually([&] { return load.accepted_count() > 50; }));
  for (size_t i = 0; i < 2; ++i) stack.processor(i).Signal(SIGSTOP);
  const size_t before = load.accepted_count();
  ASSERT_TRUE(Eventually([&] { return load.accepted_count() > before + 50; }));
  stack.redis().Signal(SIGSTOP);
  std::vector<std::thread> clients;
  for (const char* page : {"/payments-summary", "/payments/4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3"}) {
    clients.emplace_back([&stack, page] { HttpClient(stack.GatewaySocket(0)).Get(page); });
  }
  stack.gateway(0).Signal(SIGTERM);
  ExpectGoodEnd(stack);
  for (auto& client : clients) client.join();
  stack.redis().Signal(SIGCONT);
  for (size_t i = 0; i < 2; ++i) stack.processor(i).Signal(SIGCONT);
  ExpectNothingLost(stack, load);
}

// The pages of the admin listener query the workers.
TEST(StopTest, WhileTheAdminPagesAreAskedFor) {
  Stack stack(One({"--workers", "2"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 13, .threads = 2});
  load.Start();
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::thread pages([&] {
    while (!stop.load()) {
      for (const char* page : {"/admin/routing", "/metrics"}) {
        if (HttpClient(stack.AdminSocket(0)).Get(page).status == 200) ++answered;
      }
    }
  });
  EXPECT_TRUE(Eventually([&] { return answered.load() > 20; }));
  stack.gateway(0).Signal(SIGTERM);
  ExpectGoodEnd(stack);
  stop.store(true);
  pages.join();
  ExpectNothingLost(stack, load);
}

// The first worker has another table, with its own syncing thread.
TEST(StopTest, WhileAnAdoptedTableIsSyncedSlowly) {
  StackOptions options = One({"--durability", "disk", "--drain-timeout", "100ms"});
  options.gateway_environment[0] = {{"LD_PRELOAD", TOLLGATE_SYNC_SHIM},
                                    {"TOLLGATE_SHIM_SYNC_MS", "300"}};
  Stack stack(options);
  // An instance of the same data folder accepted payments that could not be booked, and was killed.
  stack.StartRedis();
  {
    ChildProcess orphan = stack.StartAnother(stack.DataFolder(0), stack.folder() + "/orphan.sock");
    HttpClient client(stack.folder() + "/orphan.sock");
    ASSERT_TRUE(Eventually(
        [&] { return HttpClient(stack.folder() + "/orphan.sock").Get("/readyz").status == 200; }));
    for (uint64_t i = 0; i < 20; ++i) {
      ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(14, i), "1")).status, 202);
    }
    // Only a table that the books know is adopted, so it must have claimed something.
    ASSERT_TRUE(Eventually(
        [&] {
          return std::stoi(stack.RedisCli({"hlen", "tollgate:claims"})) > 0;
        },
        30'000))
        << orphan.Log();
  }
  ASSERT_TRUE(std::filesystem::exists(stack.DataFolder(0) + "/orphan.sock.table"));
  for (size_t i = 0; i < 2; ++i) stack.StartProcessor(i);
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  ASSERT_TRUE(Eventually(
      [&] { return stack.gateway(0).Log().find("is not in use") != std::string::npos; }, 90'000))
      << stack.Logs();
  stack.gateway(0).Signal(SIGTERM);
  ExpectGoodEnd(stack);
  // The next one finishes it. A payment that the orphan had in flight may be at the fallback.
  stack.StartGateway(0);
  const auto booked = [&] {
    auto totals = Stack::Summary(stack.GatewaySocket(0));
    return totals["default"].count + totals["fallback"].count;
  };
  EXPECT_TRUE(Eventually([&] { return booked() == 20; }, 120'000)) << booked() << stack.Logs();
  EXPECT_EQ(stack.Held(0).size() + stack.Held(1).size(), 20U) << stack.Logs();
}

// Nothing has been waited for yet: no Redis, no name, no processor.
TEST(StopTest, RightAfterTheStart) {
  for (const char* redis : {"redis://localhost:1", "redis://no-such-host.invalid:6379"}) {
    const TemporaryFolder folder;
    ChildProcess gateway({TOLLGATE_BINARY, "--server-socket", folder / "g.sock", "--redis-url",
                          redis, "--data-dir", folder.path(), "--drain-timeout", "200ms"},
                         folder / "log");
    ASSERT_TRUE(Eventually([&] {
      return HttpClient(folder / "g.sock").Get("/readyz").status == 200;
    })) << gateway.Log();
    gateway.Signal(SIGTERM);
    EXPECT_EQ(gateway.WaitExit(60'000), 0) << gateway.Log();
  }
}

}  // namespace
}  // namespace tollgate::testing

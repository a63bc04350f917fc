// A gateway in place of an API container of the original: what its start and its answers promise
// when a dependency is absent, slow or in use.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

using Environment = std::map<std::string, std::string>;

TEST(DropInTest, StartsWithTheOriginalsEnvironmentAloneBeforeRedisAndAnyName) {
  const TemporaryFolder folder;
  const std::string socket = folder / "api1.sock";
  ChildProcess gateway({TOLLGATE_BINARY}, folder / "gateway.log",
                       {{"SERVER_SOCKET", socket},
                        {"REDIS_SOCKET", folder / "redis.sock"},
                        {"DEFAULT_URL", "http://payment-processor-default:8080"},
                        {"FALLBACK_URL", "http://payment-processor-fallback:8080"},
                        {"NUM_WORKERS", "50"},
                        {"REDIS_READ_TIMEOUT", "5s"},
                        {"REDIS_WRITE_TIMEOUT", "5s"},
                        {"REDIS_POOL_TIMEOUT", "10s"},
                        {"GOMAXPROCS", "3"},
                        {"DRAIN_TIMEOUT", "500ms"}});  // our own setting, to be quick
  ASSERT_TRUE(Eventually([&] { return HttpClient(socket).Get("/readyz").status == 200; }))
      << gateway.Log();
  EXPECT_EQ(HttpClient(socket).Post("/payments", PaymentBody(TestId(8, 1), "1")).status, 202);
  const HttpAnswer summary = HttpClient(socket).Get("/payments-summary");
  EXPECT_EQ(summary.status, 503);
  EXPECT_NE(summary.headers.find("Retry-After: 1"), std::string::npos) << summary.headers;
  gateway.Signal(SIGTERM);
  EXPECT_EQ(gateway.WaitExit(30'000), 0) << gateway.Log();
  EXPECT_NE(gateway.Log().find("NUM_WORKERS has no effect"), std::string::npos);
  EXPECT_NE(gateway.Log().find("1 payments stay in the table"), std::string::npos) << gateway.Log();
}

TEST(DropInTest, AQuestionToARedisThatHangsIsA503LongBeforeACommandsTimeLimit) {
  Stack stack({.gateway_arguments = {"--redis-read-timeout", "300s", "--redis-write-timeout",
                                     "300s", "--redis-pool-timeout", "300s"},
               .redis_arguments = {},
               .gateways = 1,
               .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.redis().Signal(SIGSTOP);
  HttpClient client(stack.GatewaySocket(0), 60'000);
  const int64_t began_ms = SteadyMillis();
  EXPECT_EQ(client.Get("/payments-summary").status, 503);
  EXPECT_EQ(client.Get("/payments/" + TestId(8, 2)).status, 503);
  EXPECT_LT(SteadyMillis() - began_ms, 30'000);
  EXPECT_EQ(client.Post("/payments", PaymentBody(TestId(8, 2), "1")).status, 202);
  stack.redis().Signal(SIGCONT);
  EXPECT_TRUE(Eventually([&] {
    return Stack::Summary(stack.GatewaySocket(0))["default"].count == 1;
  })) << stack.Logs();
}

TEST(DropInTest, OfStartsOnOneAddressAtTheSameMomentOneServes) {
  const TemporaryFolder folder;
  const std::string address = "127.0.0.1:" + std::to_string(FreePort());
  const Environment tcp{{"LISTEN", address}};
  const Environment unix_socket{{"SERVER_SOCKET", folder / "a.sock"}};
  for (const Environment& listen : {tcp, unix_socket}) {
    std::vector<ChildProcess> starts;
    for (int i = 0; i < 4; ++i) {
      Environment environment = listen;
      environment["DATA_DIR"] = folder.path();
      environment["REDIS_SOCKET"] = folder / "redis.sock";
      starts.emplace_back(std::vector<std::string>{TOLLGATE_BINARY},
                          folder / ("start-" + std::to_string(i) + ".log"), environment);
    }
    const auto running = [&] {
      return std::count_if(starts.begin(), starts.end(), [](auto& it) { return it.running(); });
    };
    EXPECT_TRUE(Eventually([&] { return running() == 1; })) << running();
    for (auto& start : starts) {
      if (start.running()) continue;
      EXPECT_EQ(start.WaitExit(0), 1);
      EXPECT_NE(start.Log().find("choose another"), std::string::npos) << start.Log();
    }
    EXPECT_EQ(running(), 1);
  }
}

TEST(DropInTest, InstancesWithTheSameSocketNameShareADataFolder) {
  const TemporaryFolder folder;
  std::vector<ChildProcess> gateways;
  std::vector<std::string> sockets;
  for (size_t i = 0; i < 3; ++i) {
    const std::string home = folder / std::to_string(i);
    ASSERT_EQ(::mkdir(home.c_str(), 0755), 0);
    sockets.push_back(home + "/api.sock");
    gateways.emplace_back(std::vector<std::string>{TOLLGATE_BINARY}, home + "/log",
                          Environment{{"SERVER_SOCKET", sockets.back()},
                                      {"DATA_DIR", folder.path()},
                                      {"REDIS_SOCKET", folder / "redis.sock"}});
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(Eventually([&] { return HttpClient(sockets[i]).Get("/readyz").status == 200; }))
        << gateways[i].Log();
  }
}

TEST(DropInTest, TheLimitOfOpenFilesIsRaised) {
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  const std::string soft_limit = "ulimit -Sn 128 && exec ";
  ChildProcess gateway({"/bin/sh", "-c",
                        soft_limit + TOLLGATE_BINARY + " --server-socket " +
                            stack.GatewaySocket(0) + " --data-dir " + stack.DataFolder(0)},
                       stack.folder() + "/gateway.log");
  ASSERT_TRUE(stack.WaitReady(0)) << gateway.Log();
  std::ifstream limits("/proc/" + std::to_string(gateway.pid()) + "/limits");
  std::string line;
  while (std::getline(limits, line) && !line.starts_with("Max open files")) {
  }
  EXPECT_EQ(line.find(" 128 "), std::string::npos) << line;
}

}  // namespace
}  // namespace tollgate::testing

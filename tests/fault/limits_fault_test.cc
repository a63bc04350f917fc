// Resources that run out: slots of the table, descriptors. Every test ends with the audit.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
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

// Sets only the soft limit, so that it can be raised again.
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
  // Answers that end the connection, so that new connections are needed all the time.
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
    // Its connections to Redis must be opened again, and cannot be.
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

// The peak of resident memory, in KiB.
long PeakKib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

StackOptions OneGateway(std::vector<std::string> arguments) {
  StackOptions options;
  options.gateway_arguments = std::move(arguments);
  options.gateways = 1;
  options.haproxy = false;
  return options;
}

TEST_F(LimitsFault, IdleClientsLeaveTheDescriptorsOfForwardingHealthAndAdmin) {
  StackOptions options = OneGateway({});
  options.gateway_wrapper = {"/bin/sh", "-c", "ulimit -n 900; exec \"$@\"", "sh"};
  Stack stack(options);
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load(
      {.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 2, .pause_us = 1'000});
  load.Start();
  // More connections than there are descriptors, each with a request.
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 1'500; ++i) {
    idle.push_back(std::make_unique<HttpClient>(stack.GatewaySocket(0)));
    idle.back()->SendPart("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  CountRound();
  EXPECT_TRUE(Eventually([&] { return stack.Metric(0, "tollgate_evicted_total") > 100; }))
      << stack.Logs();
  EXPECT_LT(OpenDescriptors(stack.gateway(0).pid()), 900U);
  // Connections can be opened again.
  stack.RedisCli({"client", "kill", "type", "normal"});
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"drop_answer","probability":0.2})");
  }
  const double before =
      stack.Metric(0, R"(tollgate_attempts_total{processor="default",outcome="confirmed"})");
  EXPECT_TRUE(Eventually([&] {
    return stack.Metric(0, R"(tollgate_attempts_total{processor="default",outcome="confirmed"})") >
           before + 100;
  })) << stack.Logs();
  ChildProcess health({TOLLGATE_BINARY, "health", "--server-socket", stack.GatewaySocket(0),
                       "--data-dir", stack.DataFolder(0)},
                      stack.folder() + "/health.log");
  EXPECT_EQ(health.WaitExit(20'000), 0) << health.Log();
  load.Stop();
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  EXPECT_EQ(stack.gateway(0).Log().find("Too many open files"), std::string::npos);
  ExpectClean(stack, load, stack.GatewaySocket(0));
}

TEST_F(LimitsFault, HalfRequestsOfManyClientsStayInTheirMemory) {
  constexpr long kClientKib = 16 * 1024;
  Stack stack(OneGateway({"--client-bytes-max", std::to_string(kClientKib * 1024), "--acceptors",
                          "2", "--body-timeout", "60s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const long before = PeakKib(stack.gateway(0).pid());
  Load load(
      {.addresses = {stack.GatewaySocket(0)}, .seed = seed_, .threads = 2, .pause_us = 1'000});
  load.Start();
  std::string half = "POST /payments HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 60'000; ++i) half += "1\r\nx\r\n";
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<HttpClient>(stack.GatewaySocket(0)));
    clients.back()->SendPart(half);
  }
  CountRound();
  EXPECT_GT(stack.Metric(0, "tollgate_client_memory_full_total"), 100) << stack.Logs();
  EXPECT_LT(PeakKib(stack.gateway(0).pid()) - before, kClientKib + 8 * 1024) << stack.Logs();
  const size_t accepted = load.accepted_count();
  EXPECT_TRUE(Eventually([&] { return load.accepted_count() > accepted + 100; }));
  load.Stop();
  EXPECT_TRUE(load.failures().empty());
  // Each client that was refused got an answer.
  size_t refused = 0;
  for (size_t i = 200; i < clients.size(); ++i) {
    const HttpAnswer answer = clients[i]->AwaitAnswer();
    if (answer.status == 0) continue;
    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.headers.find("Retry-After: "), std::string::npos);
    if (++refused == 5) break;
  }
  EXPECT_EQ(refused, 5U);
  ExpectClean(stack, load, stack.GatewaySocket(0));
}

TEST_F(LimitsFault, ABurstOfConnectionsIsSpreadOverTheAcceptors) {
  Stack stack(OneGateway({"--acceptors", "4"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<HttpClient>(stack.GatewaySocket(0)));
    ASSERT_TRUE(clients.back()->SendPart("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  for (const auto& client : clients) EXPECT_EQ(client->AwaitAnswer().status, 200);
  EXPECT_GE(stack.Metric(0, "tollgate_connections"), 64);
  EXPECT_LE(stack.Metric(0, "tollgate_connections_most"), 24);
}

}  // namespace
}  // namespace tollgate::testing

// A gateway from outside: what a client sees of it, with real Redis, HAProxy and processors.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"
#include "tollgate/base/clock.h"

namespace tollgate::testing {
namespace {

StackOptions One(std::vector<std::string> arguments = {}) {
  return {.gateway_arguments = std::move(arguments),
          .redis_arguments = {},
          .gateways = 1,
          .haproxy = false};
}

// For both processors.
void SetFailing(Stack& stack, bool failing) {
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/failure",
                    failing ? R"({"failure":true})" : R"({"failure":false})");
  }
}

TEST(GatewayTest, APaymentIsAcceptedBookedAndFound) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.front());
  const std::string id = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
  EXPECT_EQ(client.Post("/payments", PaymentBody(id, "19.90")).status, 202);
  ASSERT_TRUE(Eventually([&] { return Stack::Summary(stack.front())["default"].count == 1; }))
      << stack.Logs();
  const auto held = stack.Held(0);
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held.at(id).cents, 1990);
  EXPECT_EQ(client.Get("/payments-summary").body,
            R"({"default":{"totalRequests":1,"totalAmount":19.90},)"
            R"("fallback":{"totalRequests":0,"totalAmount":0.00}})");
  const auto found = client.Get("/payments/" + id).body;
  EXPECT_NE(found.find(R"("state":"booked","amount":19.90,"processor":"default")"),
            std::string::npos)
      << found;
}

TEST(GatewayTest, EveryBadRequestIsToldWhatToChange) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.GatewaySocket(0));
  const std::string id = TestId(1, 1);
  const auto expect = [&](const HttpAnswer& answer, int status, const std::string& detail) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.body.find(detail), std::string::npos) << answer.body;
  };
  expect(client.Post("/payments", PaymentBody(id, "19.999")), 400, "decimal places");
  expect(client.Post("/payments", PaymentBody(id, "0")), 400, "amount");
  expect(client.Post("/payments", PaymentBody("x", "1")), 400, "correlationId");
  expect(client.Post("/payments", "{"), 400, "detail");
  expect(client.Get("/payments"), 405, "POST");
  expect(client.Post("/payments-summary", ""), 405, "GET");
  expect(client.Get("/nothing"), 404, "paths");
  expect(client.Get("/payments/" + id), 404, "no payment");
  expect(client.Get("/payments-summary?from=yesterday"), 400, "from");
  expect(HttpClient(stack.GatewaySocket(0)).Post("/payments", std::string(70'000, ' ')), 413,
         "too large");
}

TEST(GatewayTest, PurgingIsOffUnlessAllowed) {
  Stack stack(One({"--allow-purge=false"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  EXPECT_EQ(HttpClient(stack.GatewaySocket(0)).Post("/purge-payments", "").status, 403);
}

TEST(GatewayTest, WithoutRedisPaymentsAreTakenAndQuestionsAnswered503) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.redis().Kill();
  HttpClient client(stack.GatewaySocket(0));
  ASSERT_TRUE(Eventually([&] { return client.Get("/payments-summary").status == 503; }));
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(client.Post("/payments", PaymentBody(TestId(2, i), "1")).status, 202);
  }
  EXPECT_EQ(client.Get("/readyz").status, 200);
  EXPECT_TRUE(stack.Held(0).empty()) << "sent without a claim";
  stack.StartRedis();
  EXPECT_TRUE(Eventually([&] {
    return Stack::Summary(stack.GatewaySocket(0))["default"].count == 50;
  })) << stack.Logs();
}

TEST(GatewayTest, AFullTableIsA503AndWhatWasAcceptedIsBooked) {
  Stack stack(One({"--table-slots", "64"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)},
             .seed = 3,
             .threads = 2,
             .payments_max = 200,
             .repeat_unanswered = false});
  load.Start();
  load.Wait();
  EXPECT_GE(load.accepted().size(), 64U);
  EXPECT_TRUE(load.failures().contains(503));
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text();
}

TEST(GatewayTest, TheDearerProcessorIsUsedOnlyWhileTheCheaperFails) {
  Stack stack(One({"--max-wait", "1s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.Configure(0, "/admin/configurations/failure", R"({"failure":true})");
  HttpClient client(stack.GatewaySocket(0));
  for (uint64_t i = 0; i < 40; ++i) client.Post("/payments", PaymentBody(TestId(4, i), "1"));
  ASSERT_TRUE(Eventually([&] {
    return Stack::Summary(stack.GatewaySocket(0))["fallback"].count == 40;
  })) << stack.Logs();
  stack.Configure(0, "/admin/configurations/failure", R"({"failure":false})");
  uint64_t next = 1000;
  EXPECT_TRUE(Eventually([&] {  // a probe finds it working, and it is chosen again
    client.Post("/payments", PaymentBody(TestId(4, next++), "1"));
    return Stack::Summary(stack.GatewaySocket(0))["default"].count >= 5;
  })) << stack.Logs();
}

// Both processors are out of order and slow, so that probes are declined too.
TEST(GatewayTest, PaymentsThatWaitCostNoCpu) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":2000})");
    stack.Configure(i, "/admin/configurations/failure", R"({"failure":true})");
  }
  HttpClient client(stack.GatewaySocket(0));
  for (uint64_t i = 0; i < 40; ++i) client.Post("/payments", PaymentBody(TestId(6, i), "1"));
  HttpClient admin(stack.AdminSocket(0));
  ASSERT_TRUE(Eventually([&] {  // health has been reported
    return admin.Get("/admin/routing").body.find("\"latencyMs\":2000") != std::string::npos;
  })) << admin.Get("/admin/routing").body;
  const double before = CpuSeconds(stack.gateway(0).pid());
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_LT(CpuSeconds(stack.gateway(0).pid()) - before, 0.3);
}

// The gateway learns from some payments that come alone. The next one is booked long before LINGER
// is over.
TEST(GatewayTest, APaymentThatComesAloneIsBookedAtOnce) {
  constexpr int64_t kLingerMs = 300;
  Stack stack(One({"--linger=300ms"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.GatewaySocket(0));
  const base::SystemClock clock;
  std::vector<int64_t> took_ms;  // the last ones
  for (uint64_t i = 0; i < 14; ++i) {
    const int64_t began_ns = clock.MonotonicNanos();
    ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(9, i), "1")).status, 202);
    ASSERT_TRUE(Eventually([&] { return stack.Held(0).size() == i + 1; })) << stack.Logs();
    if (i >= 9) took_ms.push_back((clock.MonotonicNanos() - began_ns) / base::kNanosPerMilli);
    std::this_thread::sleep_for(std::chrono::milliseconds(kLingerMs + 50));
  }
  // The median: the machine may be busy, and a worker wakes for other reasons too.
  std::nth_element(took_ms.begin(), took_ms.begin() + 2, took_ms.end());
  EXPECT_LT(took_ms[2], kLingerMs / 3);
}

// Payments that come while no worker is busy are claimed and recorded together.
TEST(GatewayTest, AnIdleWorkerWaitsForMorePaymentsToComeAlong) {
  Stack stack(One({"--linger=1s"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const auto script_calls = [&] {
    const std::string text = stack.RedisCli({"info", "commandstats"});
    const size_t at = text.find("cmdstat_evalsha:calls=");
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + 22));
  };
  HttpClient client(stack.GatewaySocket(0));
  client.Post("/payments", PaymentBody(TestId(9, 1'000), "1"));  // waits until Redis is old enough
  ASSERT_TRUE(Eventually([&] { return stack.Held(0).size() == 1; })) << stack.Logs();
  const int before = script_calls();
  for (uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(client.Post("/payments", PaymentBody(TestId(9, i), "1")).status, 202);
    // All of them within the second, also if a post takes long.
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
  }
  ASSERT_TRUE(Eventually([&] { return stack.Held(0).size() == 41; })) << stack.Logs();
  // The lease's calls are among them; one by one they would be 80.
  const int calls = script_calls() - before;
  EXPECT_GE(calls, 2);
  EXPECT_LT(calls, 40);
}

// The scheduling policy of the thread with that name; -1: there is none.
int PolicyOf(pid_t pid, const std::string& thread) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != thread) continue;
    return ::sched_getscheduler(std::stoi(task.path().filename())) & ~SCHED_RESET_ON_FORK;
  }
  return -1;
}

bool MayHavePrecedence() {
  bool may = false;
  std::thread([&] {
    const sched_param lowest{.sched_priority = 1};
    may = ::sched_setscheduler(0, SCHED_RR, &lowest) == 0;
  }).join();
  return may;
}

// True if the acceptor is ever seen with real-time priority while the gateway works off payments
// that it could not forward before.
bool PrecedenceIsSeen(Stack& stack, uint64_t seed) {
  SetFailing(stack, true);
  HttpClient client(stack.GatewaySocket(0));
  uint64_t posted = 0;
  while (posted < 5'000) client.Post("/payments", PaymentBody(TestId(seed, posted++), "1"));
  SetFailing(stack, false);
  HttpClient admin(stack.AdminSocket(0));
  bool seen = false;
  EXPECT_TRUE(Eventually([&] {
    client.Post("/payments", PaymentBody(TestId(seed, posted++), "1"));
    seen |= PolicyOf(stack.gateway(0).pid(), "acceptor-0") == SCHED_RR;
    return stack.Metric(0, "tollgate_held") + stack.Metric(0, "tollgate_queue_depth") <= 1;
  })) << stack.Logs();
  return seen;
}

TEST(GatewayTest, AnAcceptorTakesPrecedenceWhileWorkersAreBusyWhereItMay) {
  if (!MayHavePrecedence()) GTEST_SKIP() << "needs root, CAP_SYS_NICE or RLIMIT_RTPRIO";
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // No thread competes with it after the workers have started.
  EXPECT_TRUE(
      Eventually([&] { return PolicyOf(stack.gateway(0).pid(), "acceptor-0") != SCHED_RR; }));
  bool seen = false;
  for (uint64_t round = 0; round < 5 && !seen; ++round) seen = PrecedenceIsSeen(stack, 50 + round);
  EXPECT_TRUE(seen);
  EXPECT_NE(PolicyOf(stack.gateway(0).pid(), "worker-0"), SCHED_RR);
}

TEST(GatewayTest, AnAcceptorThatIsToldNotToTakesNoPrecedence) {
  Stack stack(One({"--acceptor-realtime=false"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  EXPECT_FALSE(PrecedenceIsSeen(stack, 60));
}

TEST(GatewayTest, ATableThatNobodyHasIsAdoptedAndFinished) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  SetFailing(stack, true);
  HttpClient client(stack.GatewaySocket(0));
  for (uint64_t i = 0; i < 20; ++i) client.Post("/payments", PaymentBody(TestId(5, i), "1"));
  stack.gateway(0).Kill();
  // Its file moves into the folder of the gateway that runs.
  const std::string name = "/gateway-1.sock.table";
  const std::string from = stack.DataFolder(0) + name;
  ASSERT_EQ(std::rename(from.c_str(), (stack.DataFolder(1) + name).c_str()), 0);
  SetFailing(stack, false);
  const auto all_booked = [&] {
    auto totals = Stack::Summary(stack.GatewaySocket(1));
    return totals["default"].count + totals["fallback"].count == 20;
  };
  ASSERT_TRUE(Eventually(all_booked, 60'000)) << stack.Logs();
  // The gateway that finishes them counts them.
  const std::string text = HttpClient(stack.AdminSocket(1)).Get("/metrics").body;
  double booked = 0;
  for (const char* processor : {"default", "fallback"}) {
    const std::string key =
        std::string("\ntollgate_booked_total{processor=\"") + processor + "\"} ";
    const size_t at = text.find(key);
    ASSERT_NE(at, std::string::npos) << text;
    booked += std::strtod(text.c_str() + at + key.size(), nullptr);
  }
  EXPECT_EQ(booked, 20);
}

TEST(GatewayTest, ASecondStartOnATakenSocketFailsAndSaysWhy) {
  Stack stack(One());
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  ChildProcess second({TOLLGATE_BINARY, "--server-socket", stack.GatewaySocket(0), "--data-dir",
                       stack.DataFolder(0)},
                      stack.folder() + "/second.log");
  EXPECT_NE(second.WaitExit(10'000), 0);
  EXPECT_NE(second.Log().find("served by another process"), std::string::npos) << second.Log();
  EXPECT_EQ(HttpClient(stack.GatewaySocket(0)).Get("/readyz").status, 200);
}

TEST(GatewayTest, DiskDurabilityAnswersAfterItsCommit) {
  Stack stack(One({"--durability", "disk"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 6, .threads = 4, .payments_max = 400});
  load.Start();
  load.Wait();
  EXPECT_EQ(load.accepted().size(), 400U);
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text();
}

}  // namespace
}  // namespace tollgate::testing

// Summaries as of the moment they were asked for, by a fleet of real processes.
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <string>

#include "tests/support/http_client.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

constexpr int64_t kCount = 20;

// The value of a counter on the metrics page.
double Counted(const Stack& stack, size_t gateway, const std::string& name) {
  const std::string text = stack.Metrics(gateway);
  const std::string key = "\n" + name + " ";
  const size_t at = text.find(key);
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + key.size(), nullptr);
}

// Gateway 0's processors confirm payments while Redis takes no writes. Then gateway 1 is asked.
// Returns the payments in its summary, less those of earlier rounds; empty: the machine was so slow
// that the longest wait was over.
std::optional<int64_t> Round(Stack& stack, uint64_t round) {
  const auto held = [&] { return static_cast<int64_t>(stack.Held(0).size()); };
  const int64_t before = held();
  HttpClient client(stack.GatewaySocket(0));
  for (uint64_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(client.Post("/payments", PaymentBody(TestId(round, i), "1")).status, 202);
  }
  EXPECT_TRUE(Eventually([&] { return stack.RedisCli({"hlen", "tollgate:claims"}) == "20\n"; }));
  stack.RedisCli({"client", "pause", "20000", "write"});
  EXPECT_TRUE(Eventually([&] { return held() == before + kCount; }));
  const double inexact = Counted(stack, 1, "tollgate_inexact_summaries_total");
  auto summary = std::async(
      std::launch::async, [&] { return Stack::Summary(stack.GatewaySocket(1))["default"].count; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  stack.RedisCli({"client", "unpause"});
  const int64_t count = summary.get();
  if (Counted(stack, 1, "tollgate_inexact_summaries_total") != inexact) return std::nullopt;
  return count - before;
}

TEST(SummaryTest, HasWhatAProcessorConfirmedBeforeAtAnyInstanceThoughItIsNotRecordedYet) {
  Stack stack({.gateway_arguments = {"--summary-wait", "300ms"}, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // All claims are made before the first payment is confirmed.
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":1500})");
  std::optional<int64_t> seen;
  for (uint64_t round = 1; round <= 10 && !seen; ++round) seen = Round(stack, round);
  ASSERT_TRUE(seen) << "no summary was as of its moment\n" << stack.Logs();
  EXPECT_EQ(*seen, kCount);
}

TEST(SummaryTest, AnInstanceThatStandsStillDelaysItAndDoesNotStopIt) {
  Stack stack({.haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.GatewaySocket(1));
  ASSERT_EQ(client.Get("/payments-summary").status, 200);
  stack.gateway(0).Signal(SIGSTOP);
  // The first ones may be asked before its worker has begun to listen.
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(client.Get("/payments-summary").status, 200);
    return Counted(stack, 1, "tollgate_inexact_summaries_total") >= 3;
  })) << stack.Logs();
  stack.gateway(0).Signal(SIGCONT);
}

}  // namespace
}  // namespace tollgate::testing

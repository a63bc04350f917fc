// The same payment is posted many times, to all instances at once, with its id in upper and lower
// case. It is charged once, and a conflict of amounts is visible.
#include <gtest/gtest.h>

#include <cctype>
#include <thread>
#include <vector>

#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

TEST(Duplicates, TheSameIdPostedToAllInstancesAtOnceIsChargedOnce) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  constexpr uint64_t kIds = 300;
  std::vector<std::thread> threads;
  std::atomic<size_t> refused{0};
  for (size_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      HttpClient client(t % 3 == 2 ? stack.front() : stack.GatewaySocket(t % 3));
      for (uint64_t i = 0; i < kIds; ++i) {
        const std::string id = TestId(7, i);
        const auto answer = client.Post("/payments", PaymentBody(t % 2 == 0 ? id : Upper(id), "1"));
        if (answer.status != 202) refused.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused.load(), 0U);
  const Stack::Totals once{static_cast<int64_t>(kIds), static_cast<int64_t>(kIds) * 100};
  EXPECT_TRUE(Eventually([&] {
    auto totals = Stack::Summary(stack.front());
    return totals["default"].count + totals["fallback"].count >= static_cast<int64_t>(kIds);
  })) << stack.Logs();
  auto held = stack.HeldTotals();
  EXPECT_EQ(held["default"].count + held["fallback"].count, once.count);
  EXPECT_EQ(held["default"].cents + held["fallback"].cents, once.cents);
  EXPECT_TRUE(Eventually([&] { return Stack::Summary(stack.front()) == stack.HeldTotals(); }));
}

// Gateways are killed meanwhile, and HAProxy sends what had no answer to the other one.
TEST(Duplicates, TheSameIdsWithRetriesByHaproxyWhileGatewaysDieAreChargedOnce) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  constexpr uint64_t kIds = 1'500;
  std::atomic<size_t> busy{0};
  std::atomic<size_t> unanswered{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 6; ++t) {
    busy.fetch_add(1);
    threads.emplace_back([&, t] {
      HttpClient client(stack.front());
      for (uint64_t i = 0; i < kIds; ++i) {
        const std::string id = TestId(9, i);
        const auto answer = client.Post("/payments", PaymentBody(t % 2 == 0 ? id : Upper(id), "1"));
        if (answer.status != 202) unanswered.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      busy.fetch_sub(1);
    });
  }
  for (size_t round = 0; busy.load() != 0; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stack.gateway(round % 2).Kill();
    stack.StartGateway(round % 2);
    ASSERT_TRUE(stack.WaitReady(round % 2)) << stack.Logs();
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(unanswered.load(), 0U);
  const auto count = [](std::map<std::string, Stack::Totals> totals) {
    return totals["default"].count + totals["fallback"].count;
  };
  EXPECT_TRUE(Eventually([&] {
    return count(Stack::Summary(stack.front())) >= static_cast<int64_t>(kIds);
  })) << stack.Logs();
  EXPECT_EQ(count(stack.HeldTotals()), static_cast<int64_t>(kIds));
  EXPECT_TRUE(Eventually([&] { return Stack::Summary(stack.front()) == stack.HeldTotals(); }));
}

TEST(Duplicates, TheSameIdsPostedAgainAfterARestartAreChargedOnce) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  constexpr uint64_t kIds = 200;
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":50})");
  const auto post_all = [&](size_t gateway) {
    HttpClient client(stack.GatewaySocket(gateway));
    for (uint64_t i = 0; i < kIds; ++i) {
      ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(10, i), "1")).status, 202);
    }
  };
  post_all(0);
  stack.gateway(0).Kill();  // some are booked, some in flight, some wait
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  post_all(0);
  post_all(1);
  const auto count = [](std::map<std::string, Stack::Totals> totals) {
    return totals["default"].count + totals["fallback"].count;
  };
  EXPECT_TRUE(Eventually([&] {
    return stack.Metric(0, "tollgate_held") + stack.Metric(1, "tollgate_held") == 0 &&
           stack.Metric(0, "tollgate_queue_depth") + stack.Metric(1, "tollgate_queue_depth") == 0 &&
           count(Stack::Summary(stack.front())) >= static_cast<int64_t>(kIds);
  })) << stack.Logs();
  EXPECT_EQ(count(stack.HeldTotals()), static_cast<int64_t>(kIds));
  EXPECT_EQ(Stack::Summary(stack.front()), stack.HeldTotals());
}

TEST(Duplicates, TheSameIdWithAnotherAmountIsRejectedAndVisible) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient first(stack.GatewaySocket(0));
  HttpClient second(stack.GatewaySocket(1));
  const std::string id = TestId(8, 1);
  EXPECT_EQ(first.Post("/payments", PaymentBody(id, "10")).status, 202);
  ASSERT_TRUE(Eventually([&] {
    return first.Get("/payments/" + id).body.find("booked") != std::string::npos;
  })) << stack.Logs();
  EXPECT_EQ(second.Post("/payments", PaymentBody(id, "11")).status, 202);
  EXPECT_TRUE(Eventually([&] {
    const auto metrics = HttpClient(stack.AdminSocket(1)).Get("/metrics").body;
    return metrics.find("tollgate_conflicts_total 1") != std::string::npos;
  })) << HttpClient(stack.AdminSocket(1)).Get("/metrics").body;
  const auto held = stack.HeldTotals();
  EXPECT_EQ(held.at("default").cents + held.at("fallback").cents, 1000);
}

}  // namespace
}  // namespace tollgate::testing

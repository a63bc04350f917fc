// What a gateway reports about itself: its log and its metrics.
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

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

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(TellingTest, AChangeOfRoutingIsOneLineHoweverManyWorkersSeeIt) {
  Stack stack(One({"--workers", "3"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  // Health was read, and is not read again before this ends: another health answer in between would
  // add a change.
  const auto latency_is = [&](const std::string& ms) {
    const std::string page = HttpClient(stack.AdminSocket(0)).Get("/admin/routing").body;
    return Count(page, "\"latencyMs\":" + ms + ",") == 3;
  };
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":7})");
  ASSERT_TRUE(Eventually([&] { return latency_is("7"); })) << stack.Logs();
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":0})");
  // Enough that no worker is asleep.
  Load load({.addresses = {stack.GatewaySocket(0)}, .seed = 9, .threads = 8, .pause_us = 500});
  load.Start();
  const auto breakers_open = [&](const std::string& count) {
    const std::string text = HttpClient(stack.AdminSocket(0)).Get("/metrics").body;
    return text.find("tollgate_breakers_open{processor=\"default\"} " + count + "\n") !=
           std::string::npos;
  };
  stack.Configure(0, "/admin/configurations/failure", R"({"failure":true})");
  EXPECT_TRUE(Eventually([&] { return breakers_open("3"); })) << stack.Logs();
  stack.Configure(0, "/admin/configurations/failure", R"({"failure":false})");
  EXPECT_TRUE(Eventually([&] { return breakers_open("0"); })) << stack.Logs();
  load.Stop();
  ASSERT_TRUE(Eventually([&] {
    return Count(stack.gateway(0).Log(), "routing: default is used again") != 0;
  })) << stack.Logs();
  EXPECT_EQ(Count(stack.gateway(0).Log(), "routing: default is passed over"), 1U) << stack.Logs();
  EXPECT_EQ(Count(stack.gateway(0).Log(), "routing: default is used again"), 1U) << stack.Logs();
}

TEST(TellingTest, AProcessorWithTooManyUnknownOutcomesIsSaidToBePassedOver) {
  Stack stack(One({"--workers", "1", "--unresolved-max", "1", "--answer-timeout", "300ms",
                   "--audit-lag", "0", "--connect-timeout", "200ms"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":2000})");
  HttpClient client(stack.GatewaySocket(0));
  client.Post("/payments", PaymentBody(TestId(9, 1), "1"));
  EXPECT_TRUE(Eventually([&] {
    return Count(stack.gateway(0).Log(),
                 "routing: default is passed over (too many of its payments have an unknown "
                 "outcome)") == 1;
  })) << stack.Logs();
  stack.Configure(0, "/admin/configurations/delay", R"({"delay":0})");
  uint64_t next = 2;
  EXPECT_TRUE(Eventually([&] {
    client.Post("/payments", PaymentBody(TestId(9, next++), "1"));
    return Count(stack.gateway(0).Log(), "routing: default is used again (") == 1;
  })) << stack.Logs();
}

// A client that can cause a line cannot flood the log: one line of a kind in ten seconds, and a
// count.
TEST(TellingTest, WhatAClientCausesAgainAndAgainIsOneLineAndACount) {
  constexpr int kConflicts = 60;
  Stack stack(One({"--workers", "1"}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.GatewaySocket(0));
  const int64_t began_ms = SteadyMillis();
  for (uint64_t i = 0; i < kConflicts; ++i) {
    client.Post("/payments", PaymentBody(TestId(9, i), "1"));
  }
  const auto booked = [&] { return stack.HeldTotals()["default"].count; };
  ASSERT_TRUE(Eventually([&] { return booked() == kConflicts; })) << stack.Logs();
  for (uint64_t i = 0; i < kConflicts; ++i) {
    client.Post("/payments", PaymentBody(TestId(9, i), "2"));
  }
  ASSERT_TRUE(Eventually([&] { return stack.Metric(0, "tollgate_conflicts_total") == kConflicts; }))
      << stack.Logs();
  stack.gateway(0).Signal(SIGTERM);
  EXPECT_EQ(stack.gateway(0).WaitExit(20'000), 0);
  const auto intervals = static_cast<size_t>((SteadyMillis() - began_ms) / 10'000);
  const std::string log = stack.gateway(0).Log();
  EXPECT_LE(Count(log, "the same correlationId is known with another amount"), 2 + intervals)
      << log;
  EXPECT_NE(log.find(" times in the last "), std::string::npos) << log;
}

TEST(TellingTest, EveryFigureThatAnOperatorIsPromisedIsThere) {
  Stack stack(One({}));
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  HttpClient client(stack.GatewaySocket(0));
  client.Post("/payments", PaymentBody(TestId(9, 1), "100"));
  client.Post("/payments", "{}");
  const std::vector<std::string> lines{
      "tollgate_accepted_total 1",
      "tollgate_refused_total{reason=\"invalid\"} 1",
      "tollgate_refused_total{reason=\"table_full\"} 0",
      "tollgate_queue_depth 0",
      "tollgate_in_flight{processor=\"default\"} 0",
      "tollgate_attempts_total{processor=\"default\",outcome=\"confirmed\"} 1",
      "tollgate_attempts_total{processor=\"fallback\",outcome=\"unknown\"} 0",
      "tollgate_retries_total 0",
      "tollgate_breakers_open{processor=\"fallback\"} 0",
      "tollgate_processor_seconds_count{processor=\"default\"} 1",
      "tollgate_forwarding_seconds_count{processor=\"default\"} 1",
      "tollgate_ledger_batch_size_count{call=\"claim\"} 1",
      "tollgate_ledger_call_seconds_count{call=\"record\"} 1",
      "tollgate_fees_paid_total 5",
      "tollgate_fees_least_total 5"};
  // The books have a payment a moment before the worker gets the reply.
  std::string missing;
  EXPECT_TRUE(Eventually([&] {
    const std::string text = "\n" + HttpClient(stack.AdminSocket(0)).Get("/metrics").body;
    missing.clear();
    for (const std::string& line : lines) {
      if (text.find("\n" + line + "\n") == std::string::npos) missing += line + "\n";
    }
    return missing.empty();
  })) << missing;
}

}  // namespace
}  // namespace tollgate::testing

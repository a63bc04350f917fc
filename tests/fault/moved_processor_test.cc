// A processor gets another URL while it has a payment of unknown outcome.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class MovedProcessor : public FaultTest {};

TEST_F(MovedProcessor, GetsNothingThatWasSentToTheOneBeforeAndAllThatIsNew) {
  Stack stack({.gateway_arguments = {"--answer-timeout", "300ms", "--connect-timeout", "200ms"},
               .redis_arguments = {},
               .gateways = 1,
               .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const std::string gateway = stack.GatewaySocket(0);
  const std::string lost = TestId(seed_, 1);
  stack.Configure(0, "/admin/configurations/faults",
                  R"({"kind":"hang_then_book","hang_ms":60000})");
  ASSERT_EQ(HttpClient(gateway).Post("/payments", PaymentBody(lost, "19.90")).status, 202);
  const auto shown = [&](const std::string& id) {
    return HttpClient(gateway).Get("/payments/" + id).body;
  };
  ASSERT_TRUE(Eventually([&] {
    return shown(lost).find(R"("state":"unresolved")") != std::string::npos;
  })) << stack.Logs();
  stack.processor(0).Kill();
  const auto restart = [&](const std::string& default_address) {
    stack.gateway(0).Kill();
    CountRound();
    stack.AddGatewayArguments({"--default-url", "http://" + default_address});
    stack.StartGateway(0);
    ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  };
  // From here on the name default belongs to another processor.
  for (uint64_t start = 0; start < 2; ++start) {
    ASSERT_NO_FATAL_FAILURE(restart(stack.ProcessorAddress(1)));
    const std::string next = TestId(seed_, 10 + start);
    ASSERT_EQ(HttpClient(gateway).Post("/payments", PaymentBody(next, "1.00")).status, 202);
    ASSERT_TRUE(Eventually([&] {
      return shown(next).find(R"("state":"booked")") != std::string::npos;
    })) << stack.Logs();
    ASSERT_TRUE(Eventually([&] {
      return stack.Metric(0, "tollgate_unresolved{processor=\"default (before)\"}") == 1;
    })) << stack.Metrics(0);
    EXPECT_NE(stack.gateway(0).Log().find("add was = "), std::string::npos) << stack.Logs();
    EXPECT_FALSE(stack.Held(1).contains(lost)) << "sent to a processor that is another one";
  }
  ChildProcess pending({TOLLGATE_BINARY, "pending", "--data-dir", stack.DataFolder(0)},
                       stack.folder() + "/pending.log");
  EXPECT_EQ(pending.WaitExit(20'000), 0);
  EXPECT_NE(pending.Log().find(lost + "  unresolved"), std::string::npos) << pending.Log();
  // The former processor is back.
  ASSERT_NO_FATAL_FAILURE(stack.StartProcessor(0));
  ASSERT_NO_FATAL_FAILURE(restart(stack.ProcessorAddress(0)));
  ASSERT_TRUE(Eventually([&] { return stack.Held(0).contains(lost); })) << stack.Logs();
  ASSERT_TRUE(Eventually([&] {
    return shown(lost).find(R"("state":"booked")") != std::string::npos;
  })) << stack.Logs();
}

// Its name is not configured any more, so its requests have no destination.
TEST_F(MovedProcessor, OneThatIsConfiguredNoMoreStopsNoStart) {
  Stack stack({.gateway_arguments = {"--answer-timeout", "300ms", "--connect-timeout", "200ms"},
               .redis_arguments = {},
               .gateways = 1,
               .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const std::string lost = TestId(seed_, 1);
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults",
                    R"({"kind":"hang_then_book","hang_ms":60000})");
  }
  ASSERT_EQ(HttpClient(stack.GatewaySocket(0)).Post("/payments", PaymentBody(lost, "19.90")).status,
            202);
  ASSERT_TRUE(Eventually([&] {
    return HttpClient(stack.GatewaySocket(0)).Get("/payments/" + lost).body.find("unresolved") !=
           std::string::npos;
  })) << stack.Logs();
  stack.gateway(0).Kill();
  CountRound();
  const std::string config = stack.folder() + "/other.toml";
  std::ofstream(config) << "[[processors]]\nname = \"other\"\nurl = \"http://"
                        << stack.ProcessorAddress(1) << "\"\nfee = 0.15\n";
  stack.Configure(1, "/admin/configurations/faults", R"({"kind":"none"})");
  const std::string socket = stack.folder() + "/other.sock";
  ChildProcess other({TOLLGATE_BINARY, "--server-socket", socket, "--redis-socket",
                      stack.RedisSocket(), "--data-dir", stack.DataFolder(0), "--config", config},
                     stack.folder() + "/other.log");
  const std::string next = TestId(seed_, 2);
  ASSERT_TRUE(Eventually([&] {
    return HttpClient(socket).Post("/payments", PaymentBody(next, "1.00")).status == 202;
  })) << other.Log();
  ASSERT_TRUE(Eventually([&] { return stack.Held(1).contains(next); })) << other.Log();
  // It adopts the former gateway's table, and keeps its payment.
  ASSERT_TRUE(Eventually(
      [&] { return other.Log().find("which is not configured: they wait") != std::string::npos; },
      60'000))
      << other.Log();
  EXPECT_TRUE(Eventually(
      [&] { return other.Log().find("is kept for the 1 payments") != std::string::npos; }, 60'000))
      << other.Log();
  EXPECT_FALSE(stack.Held(1).contains(lost));
  other.Kill();
  // The gateway that has its processor finishes it.
  stack.Configure(0, "/admin/configurations/faults", R"({"kind":"none"})");
  stack.StartGateway(0);
  ASSERT_TRUE(stack.WaitReady(0)) << stack.Logs();
  EXPECT_TRUE(Eventually([&] {
    return HttpClient(stack.GatewaySocket(0))
               .Get("/payments/" + lost)
               .body.find(R"("state":"booked")") != std::string::npos;
  })) << stack.Logs();
}

}  // namespace
}  // namespace tollgate::testing

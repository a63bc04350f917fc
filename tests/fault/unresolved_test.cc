// Payments of unknown outcome can be seen from outside. They are finished when their processor
// answers again.
#include <gtest/gtest.h>

#include "tests/fault/fault_fixture.h"

namespace tollgate::testing {
namespace {

class UnresolvedFault : public FaultTest {};

TEST_F(UnresolvedFault, AreSeenInMetricsInALookUpAndInPending) {
  Stack stack({.gateway_arguments = {"--answer-timeout", "300ms", "--connect-timeout", "200ms",
                                     "--unresolved-max", "8"},
               .redis_arguments = {},
               .gateways = 1,
               .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const auto hang = [&](const std::string& kind) {
    for (size_t i = 0; i < 2; ++i) {
      stack.Configure(i, "/admin/configurations/faults",
                      R"({"kind":")" + kind + R"(","hang_ms":20000})");
    }
  };
  hang("hang_then_book");
  Load load({.addresses = {stack.GatewaySocket(0)},
             .seed = seed_,
             .threads = 1,
             .payments_max = 200,
             .pause_us = 1'000});
  load.Start();
  load.Wait();
  const auto unresolved = [&](const std::string& name) {
    return stack.Metric(0, "tollgate_unresolved{processor=\"" + name + "\"}");
  };
  ASSERT_TRUE(Eventually([&] { return unresolved("default") >= 8; })) << stack.Metrics(0);
  ASSERT_TRUE(Eventually([&] {
    return stack.Metric(0, "tollgate_unresolved_oldest_seconds") >= 1;
  })) << stack.Metrics(0);
  const auto first = HttpClient(stack.GatewaySocket(0)).Get("/payments/" + TestId(seed_, 0));
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.body.find(R"("state":"unresolved")"), std::string::npos) << first.body;
  ChildProcess pending({TOLLGATE_BINARY, "pending", "--data-dir", stack.DataFolder(0)},
                       stack.folder() + "/pending.log");
  EXPECT_EQ(pending.WaitExit(20'000), 0);
  const std::string list = pending.Log();
  EXPECT_NE(list.find(TestId(seed_, 0) + "  unresolved"), std::string::npos) << list;
  EXPECT_NE(list.find(TestId(seed_, 199)), std::string::npos) << list;
  hang("none");
  CountRound();
  ExpectClean(stack, load, stack.GatewaySocket(0));
  EXPECT_EQ(unresolved("default"), 0);
  EXPECT_EQ(stack.Metric(0, "tollgate_unresolved_oldest_seconds"), 0);
}

}  // namespace
}  // namespace tollgate::testing

// Processors with every fault that the processor simulator has, under load; then the audit: no
// accepted payment is lost, none is charged twice, the summary equals theirs to the cent.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {
namespace {

class ProcessorFault : public ::testing::TestWithParam<const char*> {};

TEST_P(ProcessorFault, LosesNothingAndChargesNothingTwice) {
  Stack stack({.gateway_arguments = {"--answer-timeout", "400ms", "--connect-timeout", "200ms"},
               .redis_arguments = {}});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const auto set = [&](const std::string& json) {
    for (size_t i = 0; i < 2; ++i) stack.Configure(i, "/admin/configurations/faults", json);
  };
  set(R"({"kind":")" + std::string(GetParam()) + R"(","probability":0.1,"hang_ms":700})");
  Load load({.addresses = {stack.front()}, .seed = 21, .threads = 4, .pause_us = 2'000});
  load.Start();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  load.Stop();
  set(R"({"kind":"none"})");
  const AuditResult result = Audit(stack, load, stack.front());
  std::printf("    %s: %s\n", GetParam(), result.text().c_str());
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
  EXPECT_GT(result.accepted, 100U);
  EXPECT_TRUE(load.failures().empty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, ProcessorFault,
                         ::testing::Values("reset_before", "reset_after", "hang_then_book",
                                           "drop_answer", "error_after", "garbage", "slow_bytes",
                                           "half_answer"));

TEST(ProcessorCapacity, AStormOf429OnlyDelays) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/faults", R"({"capacity":2,"queue":2})");
    stack.Configure(i, "/admin/configurations/delay", R"({"delay":5})");
  }
  Load load({.addresses = {stack.front()},
             .seed = 22,
             .threads = 4,
             .payments_max = 1'500,
             .pause_us = 500});
  load.Start();
  load.Wait();
  const AuditResult result = Audit(stack, load, stack.front());
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
  EXPECT_EQ(result.accepted, 1'500U);
}

TEST(ProcessorCapacity, OneThatAnswers429ToEverythingKeepsNoPaymentFromTheOther) {
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  stack.Configure(0, "/admin/configurations/faults", R"({"capacity":0,"queue":0})");
  Load load({.addresses = {stack.front()},
             .seed = 23,
             .threads = 2,
             .payments_max = 400,
             .pause_us = 10'000});
  load.Start();
  load.Wait();
  const AuditResult result = Audit(stack, load, stack.front());
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
  EXPECT_EQ(result.accepted, 400U);
  EXPECT_EQ(stack.Held(1).size(), 400U);
}

}  // namespace
}  // namespace tollgate::testing

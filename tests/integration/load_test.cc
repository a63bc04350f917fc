// Load: the public preview in miniature with its auditor, and a flood. TOLLGATE_FLOOD sets the
// number of payments in the flood; its figures are printed.
#include "tests/support/load.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/support/audit.h"
#include "tests/support/stack.h"
#include "tollgate/base/clock.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::testing {
namespace {

// A field of /proc/<pid>/status, in KiB.
long StatusKib(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) {
      return std::strtol(line.c_str() + field.size() + 1, nullptr, 10);
    }
  }
  return 0;
}

// Compares the processors and the gateways over the same range at the same moment.
void AuditRange(Stack& stack, int64_t lag_ms) {
  const int64_t now_ms = base::SystemClock().WallMillis();
  const std::string range = "?from=" + payments::TimestampToString(now_ms - 15'000) +
                            "&to=" + payments::TimestampToString(now_ms - lag_ms);
  std::array<HttpAnswer, 2> held;
  std::vector<std::thread> askers;
  for (size_t i = 0; i < 2; ++i) {
    askers.emplace_back([&, i] {
      held[i] = HttpClient(stack.ProcessorAddress(i))
                    .Get("/admin/payments-summary" + range, "X-Rinha-Token: 123\r\n");
    });
  }
  auto totals = Stack::Summary(stack.front(), range);
  for (auto& asker : askers) asker.join();
  for (size_t i = 0; i < 2; ++i) {
    const auto& ours = totals[i == 0 ? "default" : "fallback"];
    const std::string count = "\"totalRequests\":" + std::to_string(ours.count) + ",";
    EXPECT_NE(held[i].body.find(count), std::string::npos)
        << "ours " << count << " theirs " << held[i].body;
  }
}

struct Stage {
  std::array<int, 2> delay_ms;
  std::array<bool, 2> failing;
};

void Configure(Stack& stack, const Stage& stage) {
  for (size_t i = 0; i < 2; ++i) {
    stack.Configure(i, "/admin/configurations/delay",
                    R"({"delay":)" + std::to_string(stage.delay_ms[i]) + "}");
    stack.Configure(i, "/admin/configurations/failure",
                    std::string(R"({"failure":)") + (stage.failing[i] ? "true}" : "false}"));
  }
}

TEST(Load, ThePreviewInMiniatureShowsTheAuditorNoDifference) {
  // The public preview at a fifth of its length, with a fifth of its longest delays.
  const std::array<Stage, 6> stages{{{{0, 0}, {false, false}},
                                     {{100, 0}, {false, false}},
                                     {{100, 0}, {true, false}},
                                     {{400, 200}, {true, true}},
                                     {{20, 20}, {false, false}},
                                     {{0, 1000}, {false, false}}}};
  Stack stack;
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  Load load({.addresses = {stack.front()}, .seed = 11, .threads = 4, .pause_us = 8'000});
  load.Start();
  for (const Stage& stage : stages) {
    Configure(stack, stage);
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
      AuditRange(stack, 1'500);
    }
  }
  load.Stop();
  Configure(stack, stages[0]);
  const AuditResult result = Audit(stack, load, stack.front());
  std::printf("    %s\n", result.text().c_str());
  EXPECT_TRUE(result.clean()) << result.text() << stack.Logs();
  EXPECT_TRUE(load.failures().empty());
}

TEST(Load, AFloodIsBookedToTheLastPayment) {
  const char* const setting = std::getenv("TOLLGATE_FLOOD");
  const size_t payments = setting != nullptr ? std::strtoull(setting, nullptr, 10) : 20'000;
  Stack stack({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false});
  ASSERT_NO_FATAL_FAILURE(stack.Start());
  const pid_t gateway = stack.gateway(0).pid();
  const long idle_kib = StatusKib(gateway, "VmRSS");
  const double gateway_before = CpuSeconds(gateway);
  const double redis_before = CpuSeconds(stack.redis().pid());
  const auto began = std::chrono::steady_clock::now();
  Load load(
      {.addresses = {stack.GatewaySocket(0)}, .seed = 12, .threads = 4, .payments_max = payments});
  load.Start();
  load.Wait();
  const std::chrono::duration<double> posting = std::chrono::steady_clock::now() - began;
  const auto all_booked = [&] {
    auto totals = Stack::Summary(stack.GatewaySocket(0));
    return totals["default"].count + totals["fallback"].count ==
           static_cast<int64_t>(load.accepted().size());
  };
  ASSERT_TRUE(Eventually(all_booked, 120'000)) << stack.Logs();
  const std::chrono::duration<double> booking = std::chrono::steady_clock::now() - began;
  const auto count = static_cast<double>(load.accepted().size());
  std::printf(
      "    %zu accepted in %.2f s, all booked in %.2f s (%.0f a second); CPU per payment: "
      "gateway %.1f us, Redis %.1f us; resident: idle %ld KiB, peak %ld KiB\n",
      load.accepted().size(), posting.count(), booking.count(), count / booking.count(),
      1e6 * (CpuSeconds(gateway) - gateway_before) / count,
      1e6 * (CpuSeconds(stack.redis().pid()) - redis_before) / count, idle_kib,
      StatusKib(gateway, "VmHWM"));
  const AuditResult result = Audit(stack, load, stack.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text();
  EXPECT_EQ(load.accepted().size(), payments);
}

}  // namespace
}  // namespace tollgate::testing

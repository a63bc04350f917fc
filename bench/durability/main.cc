// What durability costs, and how long a restart takes, with the real set-up of one gateway, Redis
// and two simulated processors:
//   cost     CPU per accepted payment of gateway and Redis, and the times of the answers, with
//            DURABILITY memory, process and disk, and with Redis' appendfsync always; in rounds,
//            one after the other within a round, medians over the rounds
//   restart  time from the start of a killed gateway to the first payment that it takes, with many
//            unfinished payments in its table
//
// bench/durability/run.sh builds it as it ships and runs it.
#include <sys/sysinfo.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "bench/durability/load.h"
#include "tests/support/stack.h"
#include "tollgate/base/standard_descriptors.h"

namespace tollgate::bench {
namespace {

using Seconds = std::chrono::duration<double>;
using testing::CpuSeconds;
using testing::Eventually;
using testing::Stack;

struct Setting {
  std::string name;
  std::string durability;
  std::string redis_fsync;
};

const std::vector<Setting> kSettings{{"memory", "memory", "everysec"},
                                     {"process", "process", "everysec"},
                                     {"disk", "disk", "everysec"},
                                     {"process, Redis always", "process", "always"},
                                     {"disk, Redis always", "disk", "always"}};

struct Samples {
  std::vector<double> gateway_us, redis_us, p50_us, p99_us;
};

testing::StackOptions OneGateway(const Setting& setting, bool start_processors = true) {
  testing::StackOptions options;
  options.gateway_arguments = {"--durability", setting.durability, "--table-slots", "131072"};
  options.redis_arguments = {"--appendfsync", setting.redis_fsync};
  options.gateways = 1;
  options.haproxy = false;
  options.start_processors = start_processors;
  return options;
}

int64_t Booked(const Stack& stack) {
  auto totals = Stack::Summary(stack.GatewaySocket(0));
  return totals["default"].count + totals["fallback"].count;
}

bool MeasureCost(const Setting& setting, uint64_t seed, size_t payments, double per_second,
                 Samples* samples) {
  Stack stack(OneGateway(setting));
  stack.Start();
  const auto run = [&](uint64_t run_seed, size_t count) {
    return RunPaced({.address = stack.GatewaySocket(0),
                     .seed = run_seed,
                     .payments = count,
                     .per_second = per_second});
  };
  const auto settled = [&](size_t count) {
    return Eventually([&] { return Booked(stack) >= static_cast<int64_t>(count); }, 60'000);
  };
  const size_t warm = run(seed * 2, payments / 10).accepted;
  if (!settled(warm)) return false;
  const double gateway = CpuSeconds(stack.gateway(0).pid());
  const double redis = CpuSeconds(stack.redis().pid());
  const PacedResult result = run(seed * 2 + 1, payments);
  if (!settled(warm + result.accepted) || result.refused != 0) return false;
  const auto count = static_cast<double>(result.accepted);
  samples->gateway_us.push_back(1e6 * (CpuSeconds(stack.gateway(0).pid()) - gateway) / count);
  samples->redis_us.push_back(1e6 * (CpuSeconds(stack.redis().pid()) - redis) / count);
  samples->p50_us.push_back(result.p50_us);
  samples->p99_us.push_back(result.p99_us);
  return true;
}

int Cost(size_t rounds, size_t payments, double per_second) {
  std::map<std::string, Samples> all;
  for (size_t round = 0; round < rounds; ++round) {
    for (const Setting& setting : kSettings) {
      if (!MeasureCost(setting, round + 1, payments, per_second, &all[setting.name])) {
        std::fprintf(stderr, "durability: a round with %s did not end well\n",
                     setting.name.c_str());
        return 1;
      }
    }
    std::printf("round %zu of %zu\n", round + 1, rounds);
    std::fflush(stdout);
  }
  std::printf("%zu payments at %.0f a second, medians of %zu rounds, %d cores\n", payments,
              per_second, rounds, ::get_nprocs());
  std::printf("%-24s %16s %16s %12s %12s\n", "", "gateway CPU, us", "Redis CPU, us", "p50, us",
              "p99, us");
  for (const Setting& setting : kSettings) {
    const Samples& it = all[setting.name];
    std::printf("%-24s %16.1f %16.1f %12.0f %12.0f\n", setting.name.c_str(), Median(it.gateway_us),
                Median(it.redis_us), Median(it.p50_us), Median(it.p99_us));
  }
  return 0;
}

struct Restarted {
  double first_answer_ms = 0;
  double first_booked_ms = 0;
  double all_booked_s = 0;
};

// The processors are not there until it restarts, so that all stays unfinished.
bool MeasureRestart(const Setting& setting, size_t payments, Restarted* out) {
  Stack stack(OneGateway(setting, false));
  stack.Start();
  const PacedResult filled =
      RunPaced({.address = stack.GatewaySocket(0), .payments = payments, .per_second = 0});
  stack.gateway(0).Kill();
  for (size_t i = 0; i < 2; ++i) stack.StartProcessor(i);
  const auto began = std::chrono::steady_clock::now();
  const auto since = [&] { return Seconds(std::chrono::steady_clock::now() - began).count(); };
  stack.StartGateway(0);
  const std::string body = testing::PaymentBody(testing::TestId(77, 1), "1");
  // Tight: the answer is a matter of milliseconds.
  while (testing::HttpClient(stack.GatewaySocket(0)).Post("/payments", body).status != 202) {
    if (since() > 60) return false;
  }
  out->first_answer_ms = 1e3 * since();
  if (!Eventually([&] { return Booked(stack) > 0; }, 60'000)) return false;
  out->first_booked_ms = 1e3 * since();
  const auto all = static_cast<int64_t>(filled.accepted) + 1;
  if (!Eventually([&] { return Booked(stack) >= all; }, 120'000)) return false;
  out->all_booked_s = since();
  return filled.refused == 0;
}

int Restart(size_t rounds, size_t payments) {
  std::printf("%zu unfinished payments, medians of %zu rounds\n", payments, rounds);
  std::printf("%-24s %24s %24s %20s\n", "", "first payment taken, ms", "first one booked, ms",
              "all booked, s");
  for (const Setting& setting : {kSettings[1], kSettings[2]}) {
    std::vector<double> answer, first, all;
    for (size_t round = 0; round < rounds; ++round) {
      Restarted it;
      if (!MeasureRestart(setting, payments, &it)) {
        std::fprintf(stderr, "durability: a restart did not end well\n");
        return 1;
      }
      answer.push_back(it.first_answer_ms);
      first.push_back(it.first_booked_ms);
      all.push_back(it.all_booked_s);
    }
    std::printf("%-24s %24.1f %24.1f %20.2f\n", setting.name.c_str(), Median(answer), Median(first),
                Median(all));
  }
  return 0;
}

size_t Argument(int argc, char** argv, int index, size_t fallback) {
  return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
}

}  // namespace
}  // namespace tollgate::bench

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  using namespace tollgate::bench;
  const char* const what = argc > 1 ? argv[1] : "";
  if (std::strcmp(what, "cost") == 0) {
    return Cost(Argument(argc, argv, 2, 5), Argument(argc, argv, 3, 10'000),
                static_cast<double>(Argument(argc, argv, 4, 2'000)));
  }
  if (std::strcmp(what, "restart") == 0) {
    return Restart(Argument(argc, argv, 2, 3), Argument(argc, argv, 3, 100'000));
  }
  std::fprintf(stderr,
               "usage: durability_bench cost [ROUNDS] [PAYMENTS] [PER_SECOND]\n"
               "       durability_bench restart [ROUNDS] [PAYMENTS]\n");
  return 2;
}

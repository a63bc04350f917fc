// bench-load: see generator.h. Prints one JSON object.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <string>

#include "bench/load/generator.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/scheduling.h"
#include "tollgate/base/standard_descriptors.h"

namespace {

using namespace tollgate;

struct Options {
  std::string target;
  std::string path = "/payments";
  std::string amount = "19.90";
  size_t connections = 64;
  size_t requests = 0;
  double seconds = 0;
  double rate = 0;
  size_t warm_up = 0;
  uint64_t seed = 1;
  bool wait = false;
};

int Fail(const std::string& why) {
  std::fprintf(stderr, "bench-load: %s\n", why.c_str());
  return 1;
}

double CpuMicros() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

void Print(const bench::PhaseResult& result, double cpu_us) {
  const auto us = [&](double quantile) {
    return static_cast<double>(result.latency.Quantile(quantile)) / 1e3;
  };
  std::string answers;
  for (const auto& [status, count] : result.answers) {
    answers +=
        (answers.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  }
  const double seconds = static_cast<double>(result.elapsed_ns) / 1e9;
  const auto count = static_cast<double>(result.latency.count());
  std::printf(
      "{\"answers\":{%s},\"broken\":%zu,\"seconds\":%.6f,\"per_second\":%.1f,"
      "\"cpu_us_per_request\":%.3f,\"latency_us\":{\"mean\":%.2f,\"p50\":%.2f,\"p90\":%.2f,"
      "\"p99\":%.2f,\"p99.9\":%.2f,\"max\":%.2f}}\n",
      answers.c_str(), result.broken, seconds, count / seconds, cpu_us / std::max(count, 1.0),
      result.latency.mean() / 1e3, us(0.5), us(0.9), us(0.99), us(0.999),
      static_cast<double>(result.latency.max()) / 1e3);
}

// Tells that the warm-up is over, and goes on when a byte comes.
bool WaitForWord() {
  std::printf("warm\n");
  std::fflush(stdout);
  char word = 0;
  return ::read(STDIN_FILENO, &word, 1) == 1;
}

bool AllowDescriptors(size_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= count + 32;
}

int Load(const Options& options) {
  const auto address = net::ParseAddress(options.target);
  if (!address.ok()) return Fail(address.error().message);
  if (!AllowDescriptors(options.connections)) return Fail("the limit of descriptors is too low");
  // Timers of the open loop end when they are due, not up to 50 us later.
  if (::prctl(PR_SET_TIMERSLACK, 1) != 0) return Fail("PR_SET_TIMERSLACK");
  auto connections = bench::Connections::Open(address.value(), options.connections);
  if (!connections.ok()) return Fail(connections.error().message);
  bench::Generator generator(std::move(connections).value(),
                             bench::PaymentRequest(options.path, options.amount, options.seed));
  bench::Phase phase{.requests_max = options.warm_up, .rate_per_second = options.rate};
  if (options.warm_up > 0) {
    const auto warm = generator.Run(phase);
    if (!warm.ok()) return Fail(warm.error().message);
  }
  if (options.wait && !WaitForWord()) return Fail("no word on standard input");
  phase.requests_max = options.requests == 0 ? SIZE_MAX : options.requests;
  if (options.seconds > 0) phase.duration_ns_max = std::llround(options.seconds * 1e9);
  const double cpu_before_us = CpuMicros();
  const auto result = generator.Run(phase);
  if (!result.ok()) return Fail(result.error().message);
  Print(result.value(), CpuMicros() - cpu_before_us);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  CLI::App app("Posts payments with unique ids and measures the answers.");
  Options options;
  app.add_option("--target", options.target, "HOST:PORT or the path of a Unix socket")->required();
  app.add_option("--path", options.path)->capture_default_str();
  app.add_option("--amount", options.amount)->capture_default_str();
  app.add_option("--connections", options.connections)->capture_default_str();
  auto* const requests = app.add_option("--requests", options.requests, "how many");
  auto* const seconds = app.add_option("--seconds", options.seconds, "how long");
  app.add_option("--rate", options.rate, "per second, in an open loop; 0: closed loop")
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up, "payments that are not measured, first")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the ids")->capture_default_str();
  app.add_flag("--wait", options.wait, "print 'warm' and wait for a byte before measuring");
  CLI11_PARSE(app, argc, argv);
  if (requests->count() + seconds->count() == 0) return Fail("--requests or --seconds is needed");
  // It stands for clients elsewhere: its own wait for a CPU of this machine is not the server's.
  const auto asked = base::SetTimeSlice(base::kTimeSliceMinNs);
  if (!asked.ok()) return Fail("no short time slice: " + asked.error().message);
  // In a closed loop it would only answer itself sooner, at the expense of what is measured.
  const sched_param lowest{.sched_priority = 1};
  if (options.rate > 0 && ::sched_setscheduler(0, SCHED_RR, &lowest) != 0) {
    std::fprintf(stderr,
                 "bench-load: not at real-time priority, so its own wait for a CPU counts; root, "
                 "CAP_SYS_NICE or RLIMIT_RTPRIO would allow it\n");
  }
  return Load(options);
}

#include "bench/durability/load.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/support/http_client.h"
#include "tests/support/stack.h"

namespace tollgate::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct PerThread {
  std::vector<double> us;
  size_t refused = 0;
};

void Post(const PacedOptions& options, size_t index, Clock::time_point start, PerThread* out) {
  testing::HttpClient client(options.address);
  const size_t count = options.payments / options.threads;
  const double step_s =
      options.per_second > 0 ? static_cast<double>(options.threads) / options.per_second : 0;
  out->us.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto due = Clock::now();
    if (step_s > 0) {
      const double offset_s =
          step_s * (static_cast<double>(i) +
                    static_cast<double>(index) / static_cast<double>(options.threads));
      due = start +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(offset_s));
      std::this_thread::sleep_until(due);
    }
    const std::string id = testing::TestId(options.seed, i * options.threads + index);
    const auto answer = client.Post("/payments", testing::PaymentBody(id, "19.90"));
    if (answer.status != 202) ++out->refused;
    out->us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - due).count());
  }
}

double Quantile(std::vector<double>& values, double quantile) {
  const auto at = static_cast<std::ptrdiff_t>(quantile * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

}  // namespace

PacedResult RunPaced(const PacedOptions& options) {
  std::vector<PerThread> results(options.threads);
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (size_t i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] { Post(options, i, start, &results[i]); });
  }
  for (auto& thread : threads) thread.join();
  PacedResult result;
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<double> all;
  for (const PerThread& it : results) {
    all.insert(all.end(), it.us.begin(), it.us.end());
    result.refused += it.refused;
  }
  result.accepted = all.size() - result.refused;
  result.p50_us = Quantile(all, 0.5);
  result.p99_us = Quantile(all, 0.99);
  return result;
}

double Median(std::vector<double> values) { return Quantile(values, 0.5); }

}  // namespace tollgate::bench

#include "tests/support/load.h"

#include <unistd.h>

#include "tests/support/http_client.h"
#include "tests/support/stack.h"

namespace tollgate::testing {

namespace {

constexpr int kRepeatsMax = 400;

std::string AmountText(int64_t cents) {
  const std::string fraction = std::to_string(cents % 100);
  return std::to_string(cents / 100) + "." + (fraction.size() == 1 ? "0" : "") + fraction;
}

}  // namespace

Load::Load(LoadOptions options)
    : options_(std::move(options)),
      accepted_by_thread_(options_.threads),
      uncertain_by_thread_(options_.threads),
      failures_by_thread_(options_.threads) {}

Load::~Load() { Stop(); }

void Load::Start() {
  for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Run(i); });
}

void Load::Stop() {
  stop_.store(true);
  Wait();
}

void Load::Wait() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  for (auto& ids : accepted_by_thread_) accepted_ids_.merge(ids);
  for (auto& ids : uncertain_by_thread_) uncertain_ids_.merge(ids);
  for (auto& counts : failures_by_thread_) {
    for (const auto& [status, count] : counts) failures_[status] += count;
    counts.clear();
  }
}

void Load::Run(size_t index) {
  HttpClient client(options_.addresses[index % options_.addresses.size()]);
  while (!stop_.load()) {
    const uint64_t number = next_.fetch_add(1);
    if (number >= options_.payments_max) return;
    const std::string id = TestId(options_.seed, number);
    const int64_t cents = 1 + static_cast<int64_t>(number % 99'991);
    const std::string body = PaymentBody(id, AmountText(cents));
    bool taken = false;
    for (int repeat = 0; !taken && repeat < kRepeatsMax; ++repeat) {
      const HttpAnswer answer = client.Post("/payments", body);
      taken = answer.status == 202;
      if (taken) break;
      ++failures_by_thread_[index][answer.status];
      if (!options_.repeat_unanswered) break;
      usleep(20'000);
    }
    (taken ? accepted_by_thread_ : uncertain_by_thread_)[index].emplace(id, cents);
    if (taken) accepted_.fetch_add(1);
    if (options_.pause_us > 0) usleep(static_cast<useconds_t>(options_.pause_us));
  }
}

}  // namespace tollgate::testing

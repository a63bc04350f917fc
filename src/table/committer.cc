#include "table/committer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "tollgate/base/backoff.h"

namespace tollgate::table {

namespace {

// After a failed sync.
constexpr base::BackoffRange kSyncWaits{.min_ms = 10, .max_ms = 500};

}  // namespace

Committer::Committer(CommitterOptions options) : options_(std::move(options)) {}

Committer::~Committer() {
  stop_.store(true);
  signal_.fetch_add(1);
  signal_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Committer::Start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "sync");
    Run();
  });
}

// All atomics here are sequentially consistent: ticket, sleep flag and signal form Dekker's
// protocol with WaitForTickets.
uint64_t Committer::Take() {
  const uint64_t ticket = started_.load() + 1;
  uint64_t wanted = wanted_.load();
  while (wanted < ticket && !wanted_.compare_exchange_weak(wanted, ticket)) {
  }
  waiting_.fetch_add(1);
  if (asleep_.load()) {
    signal_.fetch_add(1);
    signal_.notify_one();
  }
  return ticket;
}

void Committer::Run() {
  while (!stop_.load()) {
    WaitForTickets();
    WaitForCompany();
    if (!stop_.load()) Commit();
  }
}

void Committer::WaitForTickets() {
  while (!stop_.load()) {
    const uint32_t seen = signal_.load();
    asleep_.store(true);
    if (wanted() || stop_.load()) break;
    signal_.wait(seen);
  }
  asleep_.store(false);
}

void Committer::WaitForCompany() const {
  using std::chrono::microseconds;
  const auto step = microseconds(std::max<int64_t>(options_.interval_us / 4, 1));
  for (int i = 0; i < 4 && options_.interval_us > 0; ++i) {
    if (waiting_.load() >= options_.batch_max || stop_.load()) return;
    std::this_thread::sleep_for(step);
  }
}

void Committer::Commit() {
  Begin();
  base::Backoff backoff;
  while (!Try()) {
    if (stop_.load()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(backoff.NextMs(kSyncWaits)));
  }
}

void Committer::Begin() {
  started_.store(started_.load() + 1);
  waiting_.store(0);
}

bool Committer::Try() {
  if (failed_) options_.dirty_all();
  failed_ = options_.sync() != 0;
  if (failed_) {
    healthy_.store(false);
    return false;
  }
  committed_.store(started_.load());
  healthy_.store(true);
  listeners_.Call();
  return true;
}

}  // namespace tollgate::table

#include "processor_sim/processor.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/payments/uuid.h"

namespace tollgate::sim {

bool Processor::Insert(const payments::Payment& payment, int64_t requested_at_us) {
  const StoredPayment stored{payment.amount_cents, requested_at_us};
  if (!by_id_.emplace(payment.id, stored).second) return false;
  Totals& sum = by_time_[requested_at_us];
  ++sum.count;
  sum.amount_cents += payment.amount_cents;
  if (file_.valid()) {
    const std::string line = payments::ToString(payment.id) + ' ' +
                             std::to_string(payment.amount_cents) + ' ' +
                             std::to_string(requested_at_us) + '\n';
    const auto written = ::write(file_.get(), line.data(), line.size());
    TG_ASSERT(written == static_cast<ssize_t>(line.size()));
  }
  return true;
}

bool Processor::KeepIn(const std::string& path) {
  std::ifstream before(path);
  std::string id;
  for (StoredPayment it; before >> id >> it.amount_cents >> it.requested_at_us;) {
    const auto parsed = payments::ParseUuid(id);
    if (!parsed) return false;
    Insert({.id = *parsed, .amount_cents = it.amount_cents}, it.requested_at_us);
  }
  file_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  return file_.valid();
}

std::optional<StoredPayment> Processor::Find(const payments::Uuid& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? std::nullopt : std::optional(it->second);
}

Totals Processor::Sum(int64_t from_us, int64_t to_us) const {
  Totals total;
  for (auto it = by_time_.lower_bound(from_us); it != by_time_.end() && it->first <= to_us; ++it) {
    total.count += it->second.count;
    total.amount_cents += it->second.amount_cents;
  }
  return total;
}

void Processor::Purge() {
  by_id_.clear();
  by_time_.clear();
  if (file_.valid()) TG_ASSERT(::ftruncate(file_.get(), 0) == 0);
}

std::optional<int64_t> HealthLimit::Admit(int64_t now_ms) {
  constexpr int64_t kHeldMax = 2;
  const int64_t window = now_ms / kWindowMs;
  if (last_window_ < window) {
    last_window_ = window;
    return now_ms;
  }
  if (last_window_ - window >= kHeldMax) return std::nullopt;
  ++last_window_;
  return last_window_ * kWindowMs;
}

bool RequestLimit::Enter(std::function<void()> work) {
  if (running_ < running_max) {
    ++running_;
    work();
    return true;
  }
  if (waiting_.size() >= waiting_max) return false;
  waiting_.push_back(std::move(work));
  return true;
}

void RequestLimit::Leave() {
  --running_;
  if (waiting_.empty() || running_ >= running_max) return;
  ++running_;
  const auto next = std::move(waiting_.front());
  waiting_.pop_front();
  next();
}

}  // namespace tollgate::sim

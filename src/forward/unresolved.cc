#include "forward/unresolved.h"

#include <numeric>
#include <string>

#include "tollgate/base/clock.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kMinuteNs = 60 * base::kNanosPerSecond;

}  // namespace

Unresolved::Unresolved(HeldPool& pool, const payments::ProcessorDirectory& directory,
                       const Reports& reports, metrics::ForwardMetrics& metrics)
    : pool_(pool), directory_(directory), reports_(reports), metrics_(metrics) {}

bool Unresolved::Add(uint32_t entry, int64_t now_ns) {
  Held& held = pool_[entry];
  if (held.counts_unresolved) return false;
  held.counts_unresolved = true;
  held.since_ns = now_ns;
  ++count_;
  CountStranger(held.processor, 1);
  ages_.push_back({now_ns, entry});
  return true;
}

bool Unresolved::Remove(uint32_t entry) {
  Held& held = pool_[entry];
  if (!held.counts_unresolved) return false;
  held.counts_unresolved = false;
  --count_;
  CountStranger(held.processor, -1);
  return true;
}

void Unresolved::CountStranger(payments::ProcessorId id, int by) {
  if (id < directory_.configured_count()) return;
  at_strangers_[id] += static_cast<uint32_t>(by);
  metrics_.processors[id].unresolved.Set(at_strangers_[id]);
}

size_t Unresolved::stranded() const {
  return std::accumulate(at_strangers_.begin(), at_strangers_.end(), size_t{0});
}

const Held* Unresolved::Oldest() {
  while (!ages_.empty()) {
    const Age& age = ages_.front();
    const Held& held = pool_[age.entry];
    if (held.phase != Phase::kFree && held.counts_unresolved && held.since_ns == age.since_ns) {
      return &held;
    }
    ages_.pop_front();
  }
  return nullptr;
}

void Unresolved::Publish(int64_t now_ns) {
  const Held* const oldest = Oldest();
  if (oldest == nullptr) return metrics_.unresolved_oldest_ms.Set(0);
  const int64_t age_ns = now_ns - oldest->since_ns;
  metrics_.unresolved_oldest_ms.Set(age_ns / base::kNanosPerMilli);
  if (age_ns < kMinuteNs || now_ns - reported_ns_ < kMinuteNs) return;
  reported_ns_ = now_ns;
  reports_.Problem(std::to_string(count_) + " payments have an unknown outcome, the oldest for " +
                   std::to_string(age_ns / base::kNanosPerSecond) +
                   " s: " + reports_.Describe(*oldest) +
                   "; they are asked about again until their processor answers");
  ReportStrangers();
}

void Unresolved::ReportStrangers() const {
  for (size_t id = directory_.configured_count(); id < directory_.size(); ++id) {
    if (at_strangers_[id] == 0) continue;
    const auto processor = static_cast<payments::ProcessorId>(id);
    const bool moved = directory_.ConfiguredId(processor) != payments::kNoProcessor;
    reports_.Problem(
        std::to_string(at_strangers_[id]) + " of them are at " + directory_.Label(processor) +
        (moved ? ", whose URL or identity has changed: they are only looked up; add was "
                 "= [\"its URL before\"] to its [[processors]], or set DEFAULT_WAS or "
                 "FALLBACK_WAS, if it is the same"
               : ", which is not configured: add it to [[processors]] again"));
  }
}

}  // namespace tollgate::forward

#include "forward/unresolved.h"

#include <numeric>
#include <string>

#include "tollgate/base/clock.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kMinuteNs = 60 * base::kNanosPerSecond;

}  // namespace

Unresolved::Unresolved(AttemptPool& pool, const payments::ProcessorDirectory& directory,
                       const Reports& reports, metrics::ForwardMetrics& metrics)
    : pool_(pool), directory_(directory), reports_(reports), metrics_(metrics) {}

bool Unresolved::Add(EntryIndex entry, int64_t now_ns) {
  Attempt& attempt = pool_[entry];
  if (attempt.counted_unresolved) return false;
  attempt.counted_unresolved = true;
  attempt.unresolved_since_ns = now_ns;
  ++count_;
  CountStranger(attempt.processor, 1);
  ages_.push_back({now_ns, entry});
  return true;
}

bool Unresolved::Remove(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  if (!attempt.counted_unresolved) return false;
  attempt.counted_unresolved = false;
  --count_;
  CountStranger(attempt.processor, -1);
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

const Attempt* Unresolved::Oldest() {
  while (!ages_.empty()) {
    const Age& age = ages_.front();
    const Attempt& attempt = pool_[age.entry];
    if (attempt.phase != Phase::kFree && attempt.counted_unresolved &&
        attempt.unresolved_since_ns == age.since_ns) {
      return &attempt;
    }
    ages_.pop_front();
  }
  return nullptr;
}

void Unresolved::Publish(int64_t now_ns) {
  const Attempt* const oldest = Oldest();
  if (oldest == nullptr) return metrics_.unresolved_oldest_ms.Set(0);
  const int64_t age_ns = now_ns - oldest->unresolved_since_ns;
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

// HealthBoard: the routing snapshot of one process: the last service-health answers, one atomic
// word per processor, the number of live instances, and when auditors came.
//
// Thread: Publish and PublishInstances the health thread's. The rest any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "tollgate/base/recent_times.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"

namespace tollgate::upstream {

struct ProcessorHealth {
  bool known = false;  // false: no snapshot yet, or it is too old
  bool failing = false;
  uint32_t min_response_ms = 0;
  bool operator==(const ProcessorHealth&) const = default;
};

class HealthBoard {
 public:
  void Publish(payments::ProcessorId id, const ProcessorHealth& health) {
    const uint64_t word = uint64_t{health.min_response_ms} << 2U |
                          uint64_t{health.failing ? 2U : 0U} | uint64_t{health.known ? 1U : 0U};
    words_[id].store(word, std::memory_order_release);  // partner: Read
  }
  ProcessorHealth Read(payments::ProcessorId id) const {
    const uint64_t word = words_[id].load(std::memory_order_acquire);  // partner: Publish
    return {.known = (word & 1U) != 0,
            .failing = (word & 2U) != 0,
            .min_response_ms = static_cast<uint32_t>(word >> 2U)};
  }

  // At least one, for this instance. The last number stays while the ledger is away.
  void PublishInstances(uint32_t live) { instances_.store(live, std::memory_order_relaxed); }
  uint32_t instances() const { return instances_.load(std::memory_order_relaxed); }

  // GET /payments-summary, at any instance of the fleet. Thread: any.
  base::RecentTimes& visits() { return visits_; }
  const base::RecentTimes& visits() const { return visits_; }

 private:
  std::array<std::atomic<uint64_t>, payments::kProcessorsMax> words_{};
  base::RecentTimes visits_;
  std::atomic<uint32_t> instances_{1};  // relaxed: no other data depends on it
};

}  // namespace tollgate::upstream

// HealthWatch: the fleet's monitors (health::Monitor itself) in the simulator: one lease, one call
// per processor and 5 s, answers when the processor's own limit lets them out, and what the holder
// hears on the boards of all.
//
// Thread: one simulation's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schedule_sim/event_queue.h"
#include "schedule_sim/world.h"
#include "tollgate/health/monitor.h"
#include "tollgate/ledger/lease.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::schedule {

// A lease in memory, with Redis' rules.
class LeaseModel final : public ledger::LeaseStore {
 public:
  explicit LeaseModel(const base::Clock& clock) : clock_(clock) {}
  void Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> visits,
               OnView done) override;
  void Publish(const std::string& token, const std::string& snapshot, OnDone done) override;
  void Release(const std::string& token, OnDone done) override;

 private:
  int64_t NowMs() const { return clock_.MonotonicNanos() / base::kNanosPerMilli; }
  const base::Clock& clock_;
  std::string holder_, snapshot_;
  base::RecentTimes visits_;
  int64_t expires_ms_ = 0;
  int64_t published_ms_ = 0;
};

class HealthWatch final : public EventTarget {
 public:
  HealthWatch(EventQueue& events, std::vector<std::unique_ptr<SimulatedProcessor>>& processors,
              const std::vector<upstream::HealthBoard*>& boards, uint64_t seed);
  void OnEvent(uint32_t kind, uint64_t argument) override;

 private:
  void Ask(size_t monitor, size_t processor);

  EventQueue& events_;
  std::vector<std::unique_ptr<SimulatedProcessor>>& processors_;
  net::EventLoop loop_;
  LeaseModel lease_;
  std::vector<std::unique_ptr<health::Monitor>> monitors_;
};

}  // namespace tollgate::schedule

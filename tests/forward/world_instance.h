// What the parts of World share: an instance and its clock. world.cc opens, turns and ends
// instances; world_disturb.cc has the load and the faults; world_check.cc has the invariants.
//
// Thread: one simulation's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/forward/disk_model.h"
#include "tests/forward/world.h"
#include "tollgate/api/admission.h"
#include "tollgate/forward/table_memory.h"

namespace tollgate::simulation {

inline constexpr int64_t kForeignCents = 555;  // of what other senders booked under an id of ours

class SkewedClock final : public base::Clock {
 public:
  SkewedClock(const base::Clock& clock, int64_t skew_ms) : clock_(clock), skew_ms_(skew_ms) {}
  int64_t WallMillis() const override { return clock_.WallMillis() + skew_ms_; }
  int64_t MonotonicNanos() const override { return clock_.MonotonicNanos(); }

 private:
  const base::Clock& clock_;
  const int64_t skew_ms_;
};

struct World::Instance {
  Instance(Timeline& timeline, std::string path_in, int64_t skew_ms)
      : path(std::move(path_in)), clock(timeline.clock(), skew_ms), disk(timeline) {}

  const std::string path;
  const SkewedClock clock;
  DiskModel disk;
  std::shared_ptr<payments::ProcessorDirectory> directory;
  bool moved = false;
  std::unique_ptr<table::PaymentTable> table;
  std::unique_ptr<forward::WorkRing> ring;
  std::unique_ptr<forward::TableMemory> memory;
  struct Worker {
    std::unique_ptr<LedgerSession> ledger;
    std::unique_ptr<ClientModel> client;
    std::unique_ptr<metrics::ForwardMetrics> metrics;
    std::unique_ptr<forward::Forwarder> forwarder;
  };
  std::vector<Worker> workers;
  std::unique_ptr<api::Admission<payments::Uuid>> admission;
  bool committing = false;
  bool drains = false;
  bool stopped = false;        // for good
  std::shared_ptr<bool> life;  // of the opening
  // The books' last reply about each slot's claim in this opening, and until when it is away.
  std::map<std::pair<uint32_t, uint32_t>, ledger::ClaimVerdict> said;
  int64_t away_until_ns = 0;
};

}  // namespace tollgate::simulation

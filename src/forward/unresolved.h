// Unresolved: the payments whose outcome is unknown. It counts them, per processor only if the
// processor is not configured. It knows the oldest and reports them once a minute. The limit of a
// configured processor is in ProcessorState.
//
// Thread: one worker's.
// Invariants: an entry with counted_unresolved is counted once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "forward/reports.h"
#include "tollgate/forward/attempt_pool.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::forward {

class Unresolved {
 public:
  // REQUIRES: all outlive it.
  Unresolved(AttemptPool& pool, const payments::ProcessorDirectory& directory,
             const Reports& reports, metrics::ForwardMetrics& metrics);

  // `now_ns`, here and below: monotonic. False: it was already counted (Add), or not counted
  // (Remove).
  bool Add(EntryIndex entry, int64_t now_ns);
  bool Remove(EntryIndex entry);

  bool empty() const { return count_ == 0; }
  // How many are at processors that are not configured, or whose identity has changed.
  size_t stranded() const;
  // Publishes the age of the oldest. Once a minute it is also reported, if it is at least a minute.
  void Publish(int64_t now_ns);

 private:
  // Does nothing if the processor is configured.
  void CountStranger(payments::ProcessorId id, int by);
  // nullptr: there is none.
  const Attempt* Oldest();
  void ReportStrangers() const;

  AttemptPool& pool_;
  const payments::ProcessorDirectory& directory_;
  const Reports& reports_;
  metrics::ForwardMetrics& metrics_;
  uint32_t count_ = 0;
  std::array<uint32_t, payments::kProcessorsMax + 1> at_strangers_{};  // of these, by processor
  // Oldest first. An item whose entry has moved on is dropped when it comes to the front.
  struct Age {
    int64_t since_ns;
    EntryIndex entry;
  };
  std::deque<Age> ages_;
  int64_t reported_ns_ = 0;
};

}  // namespace tollgate::forward

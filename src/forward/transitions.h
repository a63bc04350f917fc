// Transitions: the state machine of a payment in the table (docs/ARCHITECTURE.md, "The states of a
// slot"). When something has happened to an attempt, call one Enter…: it changes the slot, and with
// it the counts and queues of the attempt. No other file of this room changes a slot
// (tests/rules/rooms_test.py).
//
// Thread: one worker's.
// Owns: the queues for the group commit and for records, and the heap of attempts that wait for a
// time.
// Invariants: a pinned attempt never becomes ACCEPTED; an attempt gives its place at a processor
// back once, and counts as unresolved at most once.
#pragma once

#include <cstdint>

#include "forward/due_heap.h"
#include "forward/reports.h"
#include "forward/router.h"
#include "forward/routing_report.h"
#include "forward/unresolved.h"
#include "tollgate/base/random.h"
#include "tollgate/forward/attempt_pool.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

// The parts that it works on. REQUIRES: all outlive it.
struct TransitionParts {
  const ForwarderOptions& options;
  const payments::ProcessorDirectory& directory;
  const base::Clock& clock;
  const int64_t& now_ns;  // monotonic; of the present turn or answer
  table::PaymentTable& table;
  AttemptPool& pool;
  Router& router;
  RoutingReport& routing_report;
  Unresolved& unresolved;
  const Reports& reports;
  metrics::ForwardMetrics& metrics;
};

class Transitions {
 public:
  explicit Transitions(const TransitionParts& parts);

  // --- The slot's state. REQUIRES for each: the entry is in no queue.

  // ACCEPTED: certainly not booked by this attempt, nor by any before it. It may go anywhere after
  // a back-off. REQUIRES: not pinned.
  void EnterAccepted(EntryIndex entry);
  // CLAIMED: the claim will be made, or its reply is awaited, with the attempt's processor and
  // time.
  void EnterClaimed(const Attempt& attempt);
  // The books have granted the claim in that epoch.
  void SetEpoch(Attempt& attempt, uint32_t epoch);
  // SENT: it is posted once this is on disk, if the durability level needs that.
  void EnterSent(EntryIndex entry);
  // UNRESOLVED and pinned: a copy may have been sent. The caller decides what comes next.
  void EnterUnresolved(EntryIndex entry);
  // The same, for an attempt that has just ended with an unknown outcome: it is looked up later.
  void EnterUnknown(EntryIndex entry);
  // BOOKED by its processor at that time; to be recorded.
  void EnterBooked(EntryIndex entry, int64_t requested_at_ms);
  // REJECTED: it can never be booked; to be recorded.
  void EnterRejected(EntryIndex entry, payments::RejectReason reason);
  // kFree: the slot has nothing to tell; kFreeBooked: it rests with what it held. The entry is
  // gone.
  void EnterFree(EntryIndex entry, table::SlotState state);

  // --- Waiting. The slot does not change.

  // Until the time of its phase.
  void Wait(EntryIndex entry, Phase phase, int64_t delay_ms);
  // The same, with jitter.
  void WaitAbout(EntryIndex entry, Phase phase, int64_t delay_ms);
  // Until the next recheck of its unknown outcome.
  void WaitUnresolved(EntryIndex entry);
  // Until the slot's state is on disk, if the durability level needs that; then it is posted.
  void WaitForCommit(EntryIndex entry);
  // Until it is recorded.
  void WaitForRecord(EntryIndex entry);

  // --- Counts

  // Gives back its place at its processor, if it has one.
  void GiveBackPlace(Attempt& attempt);
  void CountUnresolved(EntryIndex entry, bool on);

  AttemptList& committing() { return committing_; }  // by ticket
  AttemptList& to_record() { return to_record_; }
  DueHeap& due() { return due_; }
  const DueHeap& due() const { return due_; }

 private:
  void SetStatus(const Attempt& attempt, table::SlotState state);
  void CountBooked(const Attempt& attempt);
  void Step() const {
    if (parts_.options.on_step) parts_.options.on_step();
  }

  const TransitionParts parts_;
  const int64_t least_fee_ppm_;
  base::Random random_;
  AttemptList committing_;
  AttemptList to_record_;
  DueHeap due_;
};

}  // namespace tollgate::forward

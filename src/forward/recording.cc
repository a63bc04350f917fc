// Records outcomes on the books, and fences the forwarder.
#include "forward/forwarder_impl.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {

using ledger::RecordVerdict;
using table::SlotState;

void Forwarder::Impl::FlushRecords() {
  AttemptList& to_record = transitions.to_record();
  while (!to_record.empty() && ledger.ready()) {
    LedgerBatches::Batch* const batch = batches.Open(BatchKind::kRecord);
    if (batch == nullptr) return;
    record_requests.clear();
    while (!batch->full() && !to_record.empty()) {
      const uint32_t entry = pool.PopFront(to_record);
      Attempt& attempt = pool[entry];
      attempt.phase = Phase::kRecording;
      record_requests.push_back({.claim = RequestOf(attempt),
                                 .booked = attempt.reject_reason == payments::RejectReason::kNone,
                                 .reason = attempt.reject_reason,
                                 .epoch_known = true,
                                 .epoch = attempt.epoch});
      batch->Add(entry);
    }
    const uint64_t id = batches.Begin(*batch, now_ns);
    Step();
    ledger.Record(owner, record_requests, id);
  }
}

void Forwarder::Impl::OnRecorded(BatchId id, std::span<const ledger::RecordReply> replies) {
  now_ns = clock.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) {
    if (!replay.OnRecorded(id, replies)) Fence();
    return;
  }
  const LedgerBatches::Batch& batch = batches.OnAnswered(id, replies.size(), now_ns);
  for (size_t i = 0; i < replies.size(); ++i) {
    const uint32_t entry = batch.entries()[i];
    if (fenced) return;
    Attempt& attempt = pool[entry];
    switch (replies[i].verdict) {
      case RecordVerdict::kDone:
        transitions.EnterFree(entry, SlotState::kFreeBooked);
        break;
      case RecordVerdict::kContradiction:
        reports.BookedTwice(reports.Describe(attempt), replies[i].other);
        transitions.EnterFree(entry, SlotState::kFree);
        break;
      case RecordVerdict::kFenced:
        Fence();
        break;
      case RecordVerdict::kFailed:
        RecordLater(entry);
        break;
    }
  }
}

void Forwarder::Impl::RecordLater(uint32_t entry) {
  transitions.WaitAbout(entry, Phase::kToRecord, pool[entry].backoff.NextMs(kLedgerWaits));
}

void Forwarder::Impl::OnBatchFailed(BatchId id) {
  now_ns = clock.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) return replay.OnFailed(id);
  const LedgerBatches::Batch& batch = batches.OnFailed(id);
  if (fenced) return;
  for (const uint32_t entry : batch.entries()) {
    if (batch.kind() == BatchKind::kRecord) {
      RecordLater(entry);
    } else {
      OnClaimUndecided(entry);
    }
  }
}

// Before this opening has made a call, the books know a newer one: this file is an older copy, from
// a backup or of a table in use. Its payments go on under a new owner, so that what the other
// opening has claimed stays with that one.
void Forwarder::Impl::NotNewest() {
  const payments::Uuid refused = owner.table;
  if (fenced || pool.in_use() != 0 || !table.TakeNewIdentity(refused)) return Fence();
  owner = OwnerOf(table.identity());
  ledger.SetOwner(owner);
  if (options.index != 0) return;
  reports.Problem("the table " + table.path() +
                  " is an older copy of one that has been used since, from a backup perhaps. It "
                  "goes on as a table of its own; what the other one has claimed is left to that "
                  "one, or taken over when no owner has it any more");
}

// The ledger has seen a newer opening of this table: a copy of it is in use elsewhere. That opening
// finishes what is held here.
void Forwarder::Impl::Fence() {
  if (fenced) return;
  fenced = true;
  table.Fence();
  metrics.fenced.Add();
  reports.Problem("the ledger knows a newer opening of the table " + table.path() +
                  ": another instance works with a copy of it. This one sends nothing and takes "
                  "nothing any more; stop the copy, give each instance a DATA_DIR file of its "
                  "own, and start this one again");
}

}  // namespace tollgate::forward

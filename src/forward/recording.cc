// Records outcomes on the books, and fences the forwarder.
#include <algorithm>

#include "forward/ledger_batches.h"
#include "forward/replay.h"
#include "forward/reports.h"
#include "forward/transitions.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

using ledger::RecordVerdict;
using table::SlotState;

void Forwarder::HoldRecords() {
  records_due_ = transitions_->to_record().size();
  // These come back to the end of the list, among those that are held.
  records_lacking_ = refused_records_ != 0 || recovered_left_ != 0 || replay_->active();
}
void Forwarder::ReleaseRecords() { records_due_.reset(); }
ledger::HeldRecords Forwarder::records() const {
  TG_ASSERT(records_due_);
  if (fenced_) return ledger::HeldRecords::kRecorded;  // the newer opening records them
  if (records_lacking_ || !ledger_.ready()) return ledger::HeldRecords::kLacking;
  const bool under_way = *records_due_ != 0 || batches_->recording();
  return under_way ? ledger::HeldRecords::kUnderWay : ledger::HeldRecords::kRecorded;
}

// The list is in the order of the confirmations, so those that are due are its first ones.
uint32_t Forwarder::RecordsDue() const {
  const uint32_t waiting = transitions_->to_record().size();
  return records_due_ ? std::min(*records_due_, waiting) : waiting;
}

void Forwarder::FlushRecords() {
  AttemptList& to_record = transitions_->to_record();
  while (RecordsDue() != 0 && ledger_.ready()) {
    LedgerBatches::Batch* const batch = batches_->Open(BatchKind::kRecord);
    if (batch == nullptr) return;
    record_requests_.clear();
    while (!batch->full() && RecordsDue() != 0) {
      const EntryIndex entry = pool_.PopFront(to_record);
      if (records_due_) --*records_due_;
      Attempt& attempt = pool_[entry];
      attempt.phase = Phase::kRecording;
      record_requests_.push_back({.claim = RequestOf(attempt),
                                  .booked = attempt.reject_reason == payments::RejectReason::kNone,
                                  .reason = attempt.reject_reason,
                                  .epoch_known = true,
                                  .epoch = attempt.epoch});
      batch->Add(entry);
    }
    const uint64_t id = batches_->Begin(*batch, now_ns_);
    Step();
    ledger_.Record(owner_, record_requests_, id);
  }
}

void Forwarder::OnRecorded(uint64_t call, std::span<const ledger::RecordReply> replies) {
  const BatchId id = BatchId::Unpack(call);
  now_ns_ = clock_.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) {
    if (!replay_->OnRecorded(id, replies)) Fence();
    return;
  }
  const LedgerBatches::Batch& batch = batches_->OnAnswered(id, replies.size(), now_ns_);
  for (size_t i = 0; i < replies.size(); ++i) {
    const EntryIndex entry = batch.entries()[i];
    if (fenced_) return;
    Attempt& attempt = pool_[entry];
    switch (replies[i].verdict) {
      case RecordVerdict::kDone:
        transitions_->EnterFree(entry, SlotState::kFreeBooked);
        break;
      case RecordVerdict::kContradiction:
        reports_->BookedTwice(reports_->Describe(attempt), replies[i].other);
        transitions_->EnterFree(entry, SlotState::kFree);
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

void Forwarder::RecordLater(EntryIndex entry) {
  ++refused_records_;
  records_lacking_ = true;
  transitions_->WaitAbout(entry, Phase::kToRecord, pool_[entry].backoff.NextMs(kLedgerWaits));
}

void Forwarder::OnBatchFailed(uint64_t call) {
  const BatchId id = BatchId::Unpack(call);
  now_ns_ = clock_.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) return replay_->OnFailed(id);
  const LedgerBatches::Batch& batch = batches_->OnFailed(id);
  if (fenced_) return;
  for (const EntryIndex entry : batch.entries()) {
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
void Forwarder::OnNotNewest() {
  const payments::Uuid refused = owner_.table;
  if (fenced_ || pool_.in_use() != 0 || !table_.TakeNewIdentity(refused)) return Fence();
  owner_ = OwnerOf(table_.identity());
  ledger_.SetOwner(owner_);
  if (options_.index != 0) return;
  reports_->Problem("the table " + table_.path() +
                    " is an older copy of one that has been used since, from a backup perhaps. It "
                    "goes on as a table of its own; what the other one has claimed is left to that "
                    "one, or taken over when no owner has it any more");
}

// The ledger has seen a newer opening of this table: a copy of it is in use elsewhere. That opening
// finishes what is held here.
void Forwarder::Fence() {
  if (fenced_) return;
  fenced_ = true;
  table_.Fence();
  metrics_.fenced.Add();
  reports_->Problem("the ledger knows a newer opening of the table " + table_.path() +
                    ": another instance works with a copy of it. This one sends nothing and takes "
                    "nothing any more; stop the copy, give each instance a DATA_DIR file of its "
                    "own, and start this one again");
}

}  // namespace tollgate::forward

#include "forward/replay.h"

#include <optional>
#include <string>

#include "tollgate/base/assert.h"

namespace tollgate::forward {
namespace {

using ledger::ClaimVerdict;
using ledger::RecordVerdict;
using table::SlotState;

bool IsClaim(SlotState state) {
  return state == SlotState::kSent || state == SlotState::kUnresolved;
}
bool IsRecord(SlotState state) {
  return state == SlotState::kBooked || state == SlotState::kFreeBooked ||
         state == SlotState::kRejected;
}

ledger::ClaimRequest ClaimOf(const table::PaymentTable::Snapshot& copy, table::SlotIndex slot) {
  return {.payment = copy.payment,
          .slot = table::NumberOf(slot),
          .generation = copy.generation,
          .attempt = copy.status.attempt,
          .processor = copy.status.processor,
          .requested_at_ms = copy.status.requested_at_ms};
}

std::string IdOf(const std::optional<table::PaymentTable::Snapshot>& copy) {
  return copy ? payments::ToString(copy->payment.id) : "a payment";
}

}  // namespace

Replay::Replay(const table::PaymentTable& table, const Reports& reports, size_t index,
               size_t forwarders)
    : table_(table), reports_(reports), index_(index), forwarders_(forwarders) {
  claims_.reserve(slots_.size());
  records_.reserve(slots_.size());
}

void Replay::Begin() {
  active_ = true;
  under_way_ = false;
  recording_ = false;
  from_ = index_;
  ++serial_;  // answers to a batch of an earlier replay are ignored
}

bool Replay::Wanted(SlotState state) const { return recording_ ? IsRecord(state) : IsClaim(state); }

bool Replay::Collect() {
  if (!active_ || under_way_) return false;
  CollectFrom();
  if (count_ == 0 && !recording_) {
    recording_ = true;
    from_ = index_;
    CollectFrom();
  }
  active_ = count_ != 0;
  return active_;
}

// Collects the next batch of this pass.
void Replay::CollectFrom() {
  claims_.clear();
  records_.clear();
  count_ = 0;
  for (next_ = from_; next_ < table_.slot_count() && count_ < slots_.size(); next_ += forwarders_) {
    const table::SlotIndex slot{static_cast<uint32_t>(next_)};
    if (!Wanted(table_.Status(slot).state)) continue;
    const auto copy = table_.Read(slot);
    if (!copy || !Wanted(copy->status.state)) continue;
    if (recording_) {
      records_.push_back({.claim = ClaimOf(*copy, slot),
                          .booked = copy->status.reason == payments::RejectReason::kNone,
                          .reason = copy->status.reason,
                          .epoch_known = true,
                          .epoch = copy->claim_epoch});
    } else {
      claims_.push_back(ClaimOf(*copy, slot));
    }
    slots_[count_++] = slot;
  }
}

void Replay::Send(ledger::Ledger& ledger, const ledger::Owner& owner) {
  TG_ASSERT(active_ && !under_way_ && count_ != 0);
  under_way_ = true;
  ++serial_;
  if (recording_) {
    ledger.Record(owner, records_, CurrentId().Packed());
  } else {
    ledger.Claim(owner, claims_, CurrentId().Packed());
  }
}

bool Replay::OnClaimed(BatchId id, std::span<const ledger::ClaimReply> replies) {
  if (id != CurrentId()) return true;
  for (size_t i = 0; i < replies.size(); ++i) {
    const ClaimVerdict verdict = replies[i].verdict;
    if (verdict == ClaimVerdict::kFenced) return false;
    if (verdict != ClaimVerdict::kElsewhere && verdict != ClaimVerdict::kConflict) continue;
    const auto copy = table_.Read(slots_[i]);
    const bool same_entry = copy && verdict == ClaimVerdict::kElsewhere &&
                            copy->status.processor == replies[i].processor &&
                            copy->status.requested_at_ms == replies[i].requested_at_ms;
    if (same_entry) continue;  // its other owner sends exactly the same
    reports_.PossibleDoubleCharge("the ledger lost its tail, and another instance has claimed " +
                                  IdOf(copy) + " meanwhile; look it up at both processors");
  }
  OnDone();
  return true;
}

bool Replay::OnRecorded(BatchId id, std::span<const ledger::RecordReply> replies) {
  if (id != CurrentId()) return true;
  for (size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].verdict == RecordVerdict::kFenced) return false;
    if (replies[i].verdict != RecordVerdict::kContradiction) continue;
    reports_.BookedTwice(IdOf(table_.Read(slots_[i])), replies[i].other);
  }
  OnDone();
  return true;
}

void Replay::OnFailed(BatchId id) {
  if (id == CurrentId()) under_way_ = false;
}

void Replay::OnDone() {
  under_way_ = false;
  from_ = next_;
}

}  // namespace tollgate::forward

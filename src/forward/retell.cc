#include "forward/retell.h"

namespace tollgate::forward {
namespace {

using table::SlotState;

bool IsClaim(SlotState state) {
  return state == SlotState::kSent || state == SlotState::kUnresolved;
}
bool IsRecord(SlotState state) {
  return state == SlotState::kBooked || state == SlotState::kFreeBooked ||
         state == SlotState::kRejected;
}

ledger::ClaimRequest ClaimOf(const table::PaymentTable::Snapshot& copy, uint32_t slot) {
  return {.payment = copy.payment,
          .slot = slot,
          .generation = copy.generation,
          .attempt = copy.status.attempt,
          .processor = copy.status.processor,
          .requested_at_ms = copy.status.requested_at_ms};
}

}  // namespace

Retell::Retell(const table::PaymentTable& table, size_t index, size_t forwarders)
    : table_(table), index_(index), forwarders_(forwarders) {}

void Retell::Begin() {
  active_ = true;
  under_way_ = false;
  records_ = false;
  from_ = next_ = index_;
  ++serial_;  // answers to a batch of an earlier telling are not ours any more
}

bool Retell::NextBatch(std::vector<ledger::ClaimRequest>& claims,
                       std::vector<ledger::RecordRequest>& records) {
  claims.clear();
  records.clear();
  if (!active_ || under_way_) return false;
  for (;;) {
    next_ = from_;
    count_ = 0;
    for (; next_ < table_.slot_count() && count_ < slots_.size(); next_ += forwarders_) {
      const auto slot = static_cast<uint32_t>(next_);
      const SlotState state = table_.Status(slot).state;
      if (records_ ? !IsRecord(state) : !IsClaim(state)) continue;
      const auto copy = table_.Read(slot);
      if (!copy || (records_ ? !IsRecord(copy->status.state) : !IsClaim(copy->status.state))) {
        continue;
      }
      if (records_) {
        records.push_back({.claim = ClaimOf(*copy, slot),
                           .booked = copy->status.reason == table::RejectReason::kNone,
                           .reason = static_cast<uint8_t>(copy->status.reason),
                           .epoch_known = true,
                           .epoch = copy->claim_epoch});
      } else {
        claims.push_back(ClaimOf(*copy, slot));
      }
      slots_[count_++] = slot;
    }
    if (count_ != 0) {
      under_way_ = true;
      ++serial_;
      return true;
    }
    if (records_) {
      active_ = false;
      return false;
    }
    records_ = true;
    from_ = index_;
  }
}

void Retell::OnDone() {
  under_way_ = false;
  from_ = next_;
}

}  // namespace tollgate::forward

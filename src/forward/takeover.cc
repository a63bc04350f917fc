// What happens to a payment whose claim another owner holds. While that owner is alive it will
// finish the payment, and the repeat only waits. Once the owner is silent, or has said that it is
// gone, the holder of the client's repeat takes its claim over. The payment is then pinned, so that
// what may have been sent is looked up first.
//
// This fences no owner. One that comes back finds that the claim is another owner's. It sends no
// other entry than the taker does: the same processor, id, amount and time.

#include "forward/ledger_batches.h"
#include "forward/owner_watch.h"
#include "forward/replay.h"
#include "forward/reports.h"
#include "forward/router.h"
#include "forward/transitions.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

using ledger::ClaimVerdict;
using ledger::Holder;
using payments::RejectReason;
using table::SlotState;

namespace {

// At one processor at a time: take-overs alone must not make a processor look broken.
constexpr uint32_t kUnresolvedMax = 64;

}  // namespace

// A claim of our own table lives as long as its slot. A power loss or a lost disk may have taken
// the slot.
bool Forwarder::IsHeldHere(const payments::Uuid& id, const Holder& holder) const {
  if (holder.slot >= table_.slot_count()) return false;
  const table::SlotIndex slot{holder.slot};
  if (table_.Status(slot).state == SlotState::kFree) return false;
  const auto copy = table_.Read(slot);
  return !copy || (copy->generation == holder.generation && copy->payment.id == id &&
                   copy->status.state != SlotState::kFree);
}

OwnerLife Forwarder::LifeOf(const payments::Uuid& id, const Holder& holder) {
  // An older gateway does not show whether it is alive.
  if (holder.sign == Holder::Sign::kNone) return OwnerLife::kAlive;
  if (holder.table == owner_.table) {
    return IsHeldHere(id, holder) ? OwnerLife::kAlive : OwnerLife::kSilent;
  }
  bool news = false;
  const OwnerLife life = owners_->Observe(holder, now_ns_, &news);
  if (news) {
    reports_->Problem(
        "the gateway with the table " + payments::ToString(holder.table) +
        (holder.sign == Holder::Sign::kGone
             ? " has ended and its table with it"
             : " has been silent for " + std::to_string(options_.takeover_after_ms / 1000) + " s") +
        ": what it had claimed and clients repeat here is taken over, and looked up "
        "first. Start it again to finish the rest; tollgate reconcile lists it");
  }
  return life;
}

// A repeat is kept until its payment is on the books, because its owner may be lost at any moment.
// Only one repeat of an id is kept, and only so many that payments still find room.
void Forwarder::OnHeldElsewhere(EntryIndex entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool_[entry];
  const payments::Uuid id = table_.At(attempt.slot).payment.id;
  if (attempt.claim_asks.failures() == 0) metrics_.elsewhere.Add();
  const OwnerLife life = LifeOf(id, reply.holder);
  const bool ours = reply.holder.table == owner_.table || reply.holder.sign == Holder::Sign::kNone;
  const size_t kept_max = table_.slot_count() * options_.kept_repeats_percent / 100;
  const bool room = kept_.size() < kept_max / options_.forwarders;
  const bool leave = life == OwnerLife::kAlive && (ours || !room);
  if (leave || (kept_.contains(id) && kept_.at(id) != entry)) {
    return transitions_->EnterFree(entry, SlotState::kFree);
  }
  // If the claim is gone at the next ask, this is where the payment may be.
  attempt.claimed_before = false;
  attempt.keep_requested_at = true;
  if (table_.CanHold(reply.processor) && payments::IsRequestedAt(reply.requested_at_ms)) {
    transitions_->GiveBackPlace(attempt);
    attempt.pin_when_granted = true;
    attempt.processor = reply.processor;
    attempt.requested_at_ms = reply.requested_at_ms;
  }
  transitions_->EnterClaimed(attempt);
  if (life == OwnerLife::kSilent && MayTakeOver(reply, false)) return TakeOverSoon(entry, reply);
  if (life == OwnerLife::kSilent && !router_->Configured(reply.processor)) {
    reports_->Problem(
        reports_->Describe(attempt) +
        " cannot be taken over from a silent gateway: its processor is not configured "
        "here, or was another one by its URL or identity. If it is the same, say so (was "
        "in its [[processors]], DEFAULT_WAS, FALLBACK_WAS); else start that gateway again");
  }
  transitions_->GiveBackPlace(attempt);
  kept_[id] = entry;
  transitions_->WaitAbout(entry, Phase::kToClaim, attempt.claim_asks.NextMs(kClaimAskWaits));
}

void Forwarder::ForgetKept(EntryIndex entry) {
  const auto it = kept_.find(table_.At(pool_[entry].slot).payment.id);
  if (it != kept_.end() && it->second == entry) kept_.erase(it);
}

// If the books do not know which processor of that name it is, the table does.
bool Forwarder::IsSameProcessor(const Attempt& attempt, const ledger::ClaimReply& reply) const {
  return reply.processor == attempt.processor ||
         (reply.identity == 0 && SameName(reply.processor, attempt.processor));
}

bool Forwarder::IsSamePlace(const Attempt& attempt, const ledger::ClaimReply& reply) const {
  return IsSameProcessor(attempt, reply) && attempt.requested_at_ms == reply.requested_at_ms;
}

// It was taken over while this owner was away, or this owner will take it over from the taker.
// While another owner has it, it is only looked up.
void Forwarder::OnHeldAtSamePlace(EntryIndex entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool_[entry];
  attempt.other_has_claim = true;
  const bool counted = attempt.counted_unresolved;
  transitions_->EnterUnresolved(entry);
  const payments::Uuid& id = table_.At(attempt.slot).payment.id;
  if (LifeOf(id, reply.holder) == OwnerLife::kSilent && MayTakeOver(reply, counted)) {
    attempt.claimed_before = true;
    return TakeOverSoon(entry, reply);
  }
  transitions_->GiveBackPlace(attempt);
  transitions_->WaitAbout(entry, Phase::kUnresolved, attempt.claim_asks.NextMs(kClaimAskWaits));
}

// A payment that may have been sent, and the books do not answer "yours".
void Forwarder::OnContradicted(EntryIndex entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool_[entry];
  attempt.claimed_before = false;
  attempt.tail = tails_;
  if (reply.verdict == ClaimVerdict::kBooked && SameName(reply.processor, attempt.processor)) {
    // Its record was executed before the crash, or the tail was restored.
    attempt.requested_at_ms = reply.requested_at_ms;
    attempt.reject_reason = RejectReason::kNone;
    return transitions_->EnterFree(entry, SlotState::kFreeBooked);
  }
  if (reply.verdict == ClaimVerdict::kElsewhere && IsSamePlace(attempt, reply)) {
    return OnHeldAtSamePlace(entry, reply);
  }
  const bool booked = reply.verdict == ClaimVerdict::kBooked ||
                      (reply.settled && reply.processor != payments::kNoProcessor);
  const bool known = OtherHasClaim(attempt);
  if (!known) {
    reports_->PossibleDoubleCharge(reports_->Describe(attempt) +
                                   " may have been sent, and the books have it otherwise; look it "
                                   "up at both processors");
  }
  if (reply.verdict == ClaimVerdict::kRejected || (reply.settled && !booked)) {
    // Nobody else has charged it: only its own processor can tell, and may be asked again.
    attempt.reject_reason = RejectReason::kNone;
    return transitions_->EnterUnknown(entry);
  }
  attempt.reject_reason = RejectReason::kElsewhere;
  if (!known) return transitions_->EnterUnknown(entry);
  if (!booked) return transitions_->WaitUnresolved(entry);
  // Another processor has charged it. Its own has just said that it has not, or cannot be asked.
  reports_->Problem(
      "possible double charge: " + reports_->Describe(attempt) +
      " is not sent again: " + reports_->NameOf(reply.processor) +
      " has booked it; look it up later at the other processor, where it may still arrive");
  attempt.reject_reason = RejectReason::kNone;
  transitions_->EnterFree(entry, SlotState::kFree);
}

// Only if the claim's processor can be asked and can be sent payments from here.
bool Forwarder::MayTakeOver(const ledger::ClaimReply& reply, bool counted) const {
  return router_->Configured(reply.processor) && table_.CanHold(reply.processor) &&
         reply.attempt > 0 && reply.attempt <= payments::kAttemptMax &&
         payments::IsRequestedAt(reply.requested_at_ms) && take_overs_.size() < kTakeOversMax &&
         (counted ||
          router_->State(reply.processor).unresolved() + take_overs_.size() < kUnresolvedMax);
}

void Forwarder::TakeOverSoon(EntryIndex entry, const ledger::ClaimReply& reply) {
  transitions_->GiveBackPlace(pool_[entry]);
  pool_[entry].phase = Phase::kToClaim;
  take_overs_.push_back({.entry = entry, .attempt = reply.attempt, .holder = reply.holder});
}

void Forwarder::FlushTakeOvers() {
  if (!ledger_.can_claim() || replay_->active()) return;
  LedgerBatches::Batch* const batch = batches_->Open(BatchKind::kTakeOver);
  if (batch == nullptr) return;
  take_over_requests_.clear();
  for (const TakeOver& it : take_overs_) {
    Attempt& attempt = pool_[it.entry];
    attempt.phase = Phase::kClaiming;
    take_over_requests_.push_back(
        {.claim = RequestOf(attempt), .holder = it.holder, .attempt = it.attempt});
    batch->Add(it.entry);
  }
  take_overs_.clear();
  const uint64_t id = batches_->Begin(*batch, now_ns_);
  Step();
  ledger_.TakeOver(owner_, take_over_requests_, id);
}

void Forwarder::OnTailLost() {
  reports_->Problem("the ledger may have lost its last writes; replaying what is held");
  ++tails_;
  replay_->Begin();
  // Numbers that were read before may be from a state that the ledger has lost.
  owners_->Forget();
  for (const TakeOver& it : take_overs_) OnClaimUndecided(it.entry);
  take_overs_.clear();
}

}  // namespace tollgate::forward

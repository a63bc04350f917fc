// What happens to a payment whose claim another owner holds. While that owner is alive it will
// finish the payment, and the repeat only waits. Once the owner is silent, or has said that it is
// gone, the holder of the client's repeat takes its claim over. The payment is then pinned, so that
// what may have been sent is looked up first.
//
// This fences no owner. One that comes back finds that the claim is another owner's. It sends no
// other entry than the taker does: the same processor, id, amount and time.

#include "forward/forwarder_impl.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"

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
bool Forwarder::Impl::IsHeldHere(const payments::Uuid& id, const Holder& holder) const {
  if (holder.slot >= table.slot_count()) return false;
  const table::SlotIndex slot{holder.slot};
  if (table.Status(slot).state == SlotState::kFree) return false;
  const auto copy = table.Read(slot);
  return !copy || (copy->generation == holder.generation && copy->payment.id == id &&
                   copy->status.state != SlotState::kFree);
}

OwnerLife Forwarder::Impl::LifeOf(const payments::Uuid& id, const Holder& holder) {
  // An older gateway does not show whether it is alive.
  if (holder.sign == Holder::Sign::kNone) return OwnerLife::kAlive;
  if (holder.table == owner.table) {
    return IsHeldHere(id, holder) ? OwnerLife::kAlive : OwnerLife::kSilent;
  }
  bool news = false;
  const OwnerLife life = owners.Observe(holder, now_ns, &news);
  if (news) {
    reports.Problem(
        "the gateway with the table " + payments::ToString(holder.table) +
        (holder.sign == Holder::Sign::kGone
             ? " has ended and its table with it"
             : " has been silent for " + std::to_string(options.takeover_after_ms / 1000) + " s") +
        ": what it had claimed and clients repeat here is taken over, and looked up "
        "first. Start it again to finish the rest; tollgate reconcile lists it");
  }
  return life;
}

// A repeat is kept until its payment is on the books, because its owner may be lost at any moment.
// Only one repeat of an id is kept, and only so many that payments still find room.
void Forwarder::Impl::OnHeldElsewhere(uint32_t entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool[entry];
  const payments::Uuid id = table.At(attempt.slot).payment.id;
  if (attempt.claim_asks.failures() == 0) metrics.elsewhere.Add();
  const OwnerLife life = LifeOf(id, reply.holder);
  const bool ours = reply.holder.table == owner.table || reply.holder.sign == Holder::Sign::kNone;
  const size_t kept_max = table.slot_count() * options.kept_repeats_percent / 100;
  const bool room = kept.size() < kept_max / options.forwarders;
  const bool leave = life == OwnerLife::kAlive && (ours || !room);
  if (leave || (kept.contains(id) && kept.at(id) != entry)) {
    return transitions.EnterFree(entry, SlotState::kFree);
  }
  // If the claim is gone at the next ask, this is where the payment may be.
  attempt.claimed_before = false;
  attempt.keep_requested_at = true;
  if (table.CanHold(reply.processor) && payments::IsRequestedAt(reply.requested_at_ms)) {
    transitions.GiveBackPlace(attempt);
    attempt.pin_when_granted = true;
    attempt.processor = reply.processor;
    attempt.requested_at_ms = reply.requested_at_ms;
  }
  transitions.EnterClaimed(attempt);
  if (life == OwnerLife::kSilent && MayTakeOver(reply, false)) return TakeOverSoon(entry, reply);
  if (life == OwnerLife::kSilent && !Configured(reply.processor)) {
    reports.Problem(
        reports.Describe(attempt) +
        " cannot be taken over from a silent gateway: its processor is not configured "
        "here, or was another one by its URL or identity. If it is the same, say so (was "
        "in its [[processors]], DEFAULT_WAS, FALLBACK_WAS); else start that gateway again");
  }
  transitions.GiveBackPlace(attempt);
  kept[id] = entry;
  transitions.WaitAbout(entry, Phase::kToClaim, attempt.claim_asks.NextMs(kClaimAskWaits));
}

void Forwarder::Impl::ForgetKept(uint32_t entry) {
  const auto it = kept.find(table.At(pool[entry].slot).payment.id);
  if (it != kept.end() && it->second == entry) kept.erase(it);
}

// If the books do not know which processor of that name it is, the table does.
bool Forwarder::Impl::IsSameProcessor(const Attempt& attempt,
                                      const ledger::ClaimReply& reply) const {
  return reply.processor == attempt.processor ||
         (reply.identity == 0 && SameName(reply.processor, attempt.processor));
}

bool Forwarder::Impl::IsSamePlace(const Attempt& attempt, const ledger::ClaimReply& reply) const {
  return IsSameProcessor(attempt, reply) && attempt.requested_at_ms == reply.requested_at_ms;
}

// It was taken over while this owner was away, or this owner will take it over from the taker.
// While another owner has it, it is only looked up.
void Forwarder::Impl::OnHeldAtSamePlace(uint32_t entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool[entry];
  attempt.other_has_claim = true;
  const bool counted = attempt.counted_unresolved;
  transitions.EnterUnresolved(entry);
  const payments::Uuid& id = table.At(attempt.slot).payment.id;
  if (LifeOf(id, reply.holder) == OwnerLife::kSilent && MayTakeOver(reply, counted)) {
    attempt.claimed_before = true;
    return TakeOverSoon(entry, reply);
  }
  transitions.GiveBackPlace(attempt);
  transitions.WaitAbout(entry, Phase::kUnresolved, attempt.claim_asks.NextMs(kClaimAskWaits));
}

// A payment that may have been sent, and the books do not answer "yours".
void Forwarder::Impl::OnContradicted(uint32_t entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool[entry];
  attempt.claimed_before = false;
  attempt.tail = tails;
  if (reply.verdict == ClaimVerdict::kBooked && SameName(reply.processor, attempt.processor)) {
    // Its record was executed before the crash, or the tail was restored.
    attempt.requested_at_ms = reply.requested_at_ms;
    attempt.reject_reason = RejectReason::kNone;
    return transitions.EnterFree(entry, SlotState::kFreeBooked);
  }
  if (reply.verdict == ClaimVerdict::kElsewhere && IsSamePlace(attempt, reply)) {
    return OnHeldAtSamePlace(entry, reply);
  }
  const bool booked = reply.verdict == ClaimVerdict::kBooked ||
                      (reply.settled && reply.processor != payments::kNoProcessor);
  const bool known = OtherHasClaim(attempt);
  if (!known) {
    reports.PossibleDoubleCharge(reports.Describe(attempt) +
                                 " may have been sent, and the books have it otherwise; look it "
                                 "up at both processors");
  }
  if (reply.verdict == ClaimVerdict::kRejected || (reply.settled && !booked)) {
    // Nobody else has charged it: only its own processor can tell, and may be asked again.
    attempt.reject_reason = RejectReason::kNone;
    return transitions.EnterUnknown(entry);
  }
  attempt.reject_reason = RejectReason::kElsewhere;
  if (!known) return transitions.EnterUnknown(entry);
  if (!booked) return transitions.WaitUnresolved(entry);
  // Another processor has charged it. Its own has just said that it has not, or cannot be asked.
  reports.Problem(
      "possible double charge: " + reports.Describe(attempt) +
      " is let go: " + reports.NameOf(reply.processor) +
      " has booked it; look it up later at the other processor, where it may still arrive");
  attempt.reject_reason = RejectReason::kNone;
  transitions.EnterFree(entry, SlotState::kFree);
}

// Only if the claim's processor can be asked and can be sent payments from here.
bool Forwarder::Impl::MayTakeOver(const ledger::ClaimReply& reply, bool counted) const {
  return Configured(reply.processor) && table.CanHold(reply.processor) && reply.attempt > 0 &&
         reply.attempt <= payments::kAttemptMax && payments::IsRequestedAt(reply.requested_at_ms) &&
         take_overs.size() < kTakeOversMax &&
         (counted ||
          router.State(reply.processor).unresolved() + take_overs.size() < kUnresolvedMax);
}

void Forwarder::Impl::TakeOverSoon(uint32_t entry, const ledger::ClaimReply& reply) {
  transitions.GiveBackPlace(pool[entry]);
  pool[entry].phase = Phase::kToClaim;
  take_overs.push_back({.entry = entry, .attempt = reply.attempt, .holder = reply.holder});
}

void Forwarder::Impl::FlushTakeOvers() {
  if (!ledger.can_claim() || replay.active()) return;
  LedgerBatches::Batch* const batch = batches.Open(BatchKind::kTakeOver);
  if (batch == nullptr) return;
  take_over_requests.clear();
  for (const TakeOver& it : take_overs) {
    Attempt& attempt = pool[it.entry];
    attempt.phase = Phase::kClaiming;
    take_over_requests.push_back(
        {.claim = RequestOf(attempt), .holder = it.holder, .attempt = it.attempt});
    batch->Add(it.entry);
  }
  take_overs.clear();
  const uint64_t id = batches.Begin(*batch, now_ns);
  Step();
  ledger.TakeOver(owner, take_over_requests, id);
}

void Forwarder::Impl::OnTailLost() {
  reports.Problem("the ledger may have lost its last writes; replaying what is held");
  ++tails;
  replay.Begin();
  // Numbers that were read before may be from a state that the ledger has lost.
  owners.Forget();
  for (const TakeOver& it : take_overs) OnClaimUndecided(it.entry);
  take_overs.clear();
}

}  // namespace tollgate::forward

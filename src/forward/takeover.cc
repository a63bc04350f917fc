// What becomes of a payment whose claim another owner holds. As long as that one is alive it will
// finish it, and the repeat only waits. Once it is silent, or has said that it is gone, its claim
// is taken over by who holds the client's repeat: pinned, so that what it may have sent is looked
// for first.
//
// No owner is fenced by this. One that comes back finds the claim in other hands, and sends no
// other entry than the taker does: the same processor, id, amount and time.
#include <algorithm>

#include "forward/forwarder_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {

using ledger::Holder;
using table::SlotState;

namespace {

// How often the books are asked about a claim in other hands: an owner is watched in steps of less
// than five seconds.
constexpr int64_t kAskMsMin = 100;
constexpr int64_t kAskMsMax = 4'000;
// Of one processor, at a time: what is taken over must not make it look as if it were ill.
constexpr uint32_t kUnresolvedMax = 64;

}  // namespace

OwnerLife Forwarder::Impl::LifeOf(const Holder& holder) {
  bool news = false;
  const OwnerLife life = owners.Observe(holder, now_ns, &news);
  if (news) {
    Tell(true, "the gateway with the table " + payments::ToString(holder.table) +
                   (holder.sign == Holder::Sign::kGone
                        ? " has ended and its table with it"
                        : " has been silent for " +
                              std::to_string(options.takeover_after_ms / 1000) + " s") +
                   ": what it had claimed and clients repeat here is taken over, and looked up "
                   "first. Start it again to finish the rest; tollgate reconcile lists it");
  }
  return life;
}

// A repeat is kept until its payment is on the books, as its owner may be lost at any moment; but
// not so many that no room is left for payments, unless it may be lost by now.
void Forwarder::Impl::HeldElsewhere(uint32_t entry, const ledger::ClaimReply& reply) {
  Held& held = pool[entry];
  const bool known = reply.holder.sign != Holder::Sign::kNone && reply.holder.table != owner.table;
  const OwnerLife life = known ? LifeOf(reply.holder) : OwnerLife::kAlive;
  const size_t kept_max = table.slot_count() * options.kept_repeats_percent / 100;
  const bool room = repeats_kept < kept_max / options.forwarders;
  if (held.ask_again == 0) metrics.elsewhere.Add();
  if (!known || (life == OwnerLife::kAlive && !room)) return Release(entry, SlotState::kFree);
  if (held.told) {
    // Granted once by books that have lost it, and never sent.
    held.told = false;
    SetStatus(held, SlotState::kClaimed);
  }
  held.as_it_was = true;
  if (life == OwnerLife::kSilent && MayTakeOver(reply)) return TakeOverSoon(entry, reply);
  if (life == OwnerLife::kSilent && reply.holder.other_place) {
    Tell(true,
         Describe(held) + " cannot be taken over from a silent gateway: its processor " +
             NameOf(reply.processor) +
             " is another one by its URL or identity. If it is the same, add was = [\"its URL "
             "there\"] to its [[processors]]; else start that gateway again");
  }
  GiveBackPlace(held);
  held.is_kept = true;
  ++repeats_kept;
  SetDue(entry, Phase::kToClaim, BackoffMs(held.ask_again, kAskMsMin, kAskMsMax));
  if (held.ask_again < 16) ++held.ask_again;
}

bool Forwarder::Impl::IsSamePlace(const Held& held, const ledger::ClaimReply& reply) const {
  return !reply.holder.other_place && SameName(held.processor, reply.processor) &&
         held.requested_at_ms == reply.requested_at_ms;
}

// It was taken over while this owner was away, or is to be taken over from the taker. It is only
// looked up while somebody else has it.
void Forwarder::Impl::HeldAtSamePlace(uint32_t entry, const ledger::ClaimReply& reply) {
  Held& held = pool[entry];
  held.reject_reason = static_cast<uint8_t>(table::RejectReason::kElsewhere);
  SetStatus(held, SlotState::kUnresolved);
  CountUnresolved(entry, true);
  const bool known = reply.holder.sign != Holder::Sign::kNone && reply.holder.table != owner.table;
  if (known && LifeOf(reply.holder) == OwnerLife::kSilent && MayTakeOver(reply)) {
    held.told = true;
    return TakeOverSoon(entry, reply);
  }
  GiveBackPlace(held);
  SetDue(entry, Phase::kUnresolved, BackoffMs(held.ask_again, kAskMsMin, kAskMsMax));
  if (held.ask_again < 16) ++held.ask_again;
}

// Only where the claim's processor can be asked and paid.
bool Forwarder::Impl::MayTakeOver(const ledger::ClaimReply& reply) const {
  return !reply.holder.other_place && Configured(reply.processor) &&
         table.CanHold(reply.processor) && reply.attempt > 0 &&
         reply.attempt <= payments::kAttemptMax && payments::IsRequestedAt(reply.requested_at_ms) &&
         take_overs.size() < kTakeOversMax && states[reply.processor].unresolved() < kUnresolvedMax;
}

void Forwarder::Impl::TakeOverSoon(uint32_t entry, const ledger::ClaimReply& reply) {
  GiveBackPlace(pool[entry]);
  pool[entry].phase = Phase::kToClaim;
  take_overs.push_back({.entry = entry, .attempt = reply.attempt, .holder = reply.holder});
}

void Forwarder::Impl::FlushTakeOvers() {
  if (!ledger.can_claim() || retell.active()) return;
  Batch* const batch = FreeBatch(false);
  if (batch == nullptr) return;
  take_over_requests.clear();
  batch->count = 0;
  for (const TakeOver& it : take_overs) {
    Held& held = pool[it.entry];
    held.phase = Phase::kClaiming;
    take_over_requests.push_back(
        {.claim = RequestOf(held), .holder = it.holder, .attempt = it.attempt});
    batch->entries[batch->count++] = it.entry;
  }
  take_overs.clear();
  batch->used = batch->takes_over = true;
  ++batch->serial;
  batch->began_ns = now_ns;
  Step();
  ledger.TakeOver(owner, take_over_requests, IdOf(*batch));
}

void Forwarder::Impl::OnTailLost() {
  Tell(true, "the ledger may have lost its last moments; telling it again what is held");
  ++tails;
  retell.Begin();
  // What was seen of others may be from a time that the ledger does not know any more.
  owners.Forget();
  for (const TakeOver& it : take_overs) ClaimUndecided(it.entry);
  take_overs.clear();
}

}  // namespace tollgate::forward

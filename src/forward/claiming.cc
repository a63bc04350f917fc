// From the ring to a granted claim, and the POST.
#include <algorithm>
#include <utility>

#include "forward/forwarder_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {

using ledger::ClaimVerdict;
using table::SlotState;

void Forwarder::Impl::TakeWork() {
  router.ForgetWait();
  // While the ledger owes the answers to as many batches as may be under way, a choice of processor
  // would be old when its claim leaves, and would keep a place from others.
  if (!batches.ClaimCanLeave()) return;
  while (CanTakeNew() && TakeOne()) {
  }
}

// One payment nearer to its claim; false when nothing more can be taken now.
bool Forwarder::Impl::TakeOne() {
  if (RouteFirstOf(router.tried()) || RouteFirstOf(router.ready())) return true;
  if (!router.ready().empty() || !router.AnyEligible(now_ns)) return false;
  const auto slot = ring.TryPop();
  if (!slot) return false;
  router.OnTaken();
  Admit(*slot);
  return true;
}

bool Forwarder::Impl::RouteFirstOf(DueHeap& waiting) {
  if (waiting.empty() || !Route(waiting.front())) return false;
  pool.PushBack(to_claim, waiting.Pop());
  return true;
}

void Forwarder::Impl::PushReady(uint32_t entry) {
  const Held& held = pool[entry];
  (held.trials < kTrialsMax ? router.ready() : router.tried()).Push(held.born_ns, entry);
}

// On the monotonic clock, so that a step of the wall clock makes nobody wait longer. The wall clock
// says how old a payment is that another opening of the table has accepted.
int64_t Forwarder::Impl::BornNs(uint32_t slot) const {
  constexpr int64_t kAgeMsMax = int64_t{1000} * 24 * 3600 * 1000;
  const int64_t accepted_ms = std::max<int64_t>(table.At(slot).accepted_at_ms, 0);
  const int64_t age_ms = std::clamp<int64_t>(clock.WallMillis() - accepted_ms, 0, kAgeMsMax);
  return now_ns - age_ms * base::kNanosPerMilli;
}

// What a slot from the ring needs depends on its state alone, so that a payment just accepted and
// one found after a crash take the same way.
void Forwarder::Impl::Admit(uint32_t slot) {
  const table::SlotStatus status = table.Status(slot);
  const uint32_t entry = pool.Take();
  Held& held = pool[entry];
  held.slot = slot;
  held.born_ns = BornNs(slot);
  held.attempt = status.attempt;
  held.pinned = status.pinned;
  held.processor = status.processor;
  held.requested_at_ms = status.requested_at_ms;
  held.reject_reason = static_cast<uint8_t>(status.reason);
  held.epoch = table.At(slot).claim_epoch.load(std::memory_order_relaxed);  // owner's own store
  switch (status.state) {
    case SlotState::kAccepted:
      held.phase = Phase::kReady;
      // What became of the attempts before a restart, nobody remembers.
      if (held.attempt != 0) held.trials = kTrialsMax;
      Route(entry) ? pool.PushBack(to_claim, entry) : PushReady(entry);
      return;
    case SlotState::kClaimed:
      // This table never sent attempt n. But it may be a copy, and the table that it was copied
      // from may have: the ledger knows whether the claim was made.
      held.as_it_was = true;
      held.in_doubt = std::exchange(held.pinned, false);
      held.phase = Phase::kToClaim;
      pool.PushBack(to_claim, entry);
      return;
    case SlotState::kSent:
    case SlotState::kUnresolved:
      held.pinned = true;
      held.told = true;
      held.phase = Phase::kToClaim;
      SetStatus(held, SlotState::kUnresolved);
      CountUnresolved(entry, true);
      if (OthersHave(held)) return SetDue(entry, Phase::kUnresolved, 1);  // first a look-up
      pool.PushBack(told, entry);
      return;
    case SlotState::kBooked:
    case SlotState::kRejected:
      held.phase = Phase::kToRecord;
      pool.PushBack(to_record, entry);
      return;
    case SlotState::kFree:
    case SlotState::kFreeBooked:
      TG_ASSERT(false);  // the ring holds published payments only
  }
}

bool Forwarder::Impl::Route(uint32_t entry) {
  Held& held = pool[entry];
  const Choice choice = router.Route({.age_ms = (now_ns - held.born_ns) / base::kNanosPerMilli,
                                      .trials = held.trials,
                                      .refused_by = held.refused_by},
                                     now_ns);
  if (choice.processor == payments::kNoProcessor) return false;
  if (choice.is_trial && held.trials < kTrialsMax) ++held.trials;
  held.refused_by = payments::kNoProcessor;
  held.processor = choice.processor;
  held.takes_place = true;
  router.Take(held.processor, now_ns);
  ++held.attempt;
  if (held.attempt > 1) metrics.retries.Add();
  held.phase = Phase::kToClaim;
  return true;
}

ledger::ClaimRequest Forwarder::Impl::RequestOf(const Held& held) const {
  const table::Slot& slot = table.At(held.slot);
  return {.payment = slot.payment,
          .slot = held.slot,
          .generation = slot.generation,
          .attempt = held.attempt,
          .processor = held.processor,
          .requested_at_ms = held.requested_at_ms};
}

void Forwarder::Impl::FlushClaims() {
  // First what the ledger may have forgotten: nothing new is claimed before it was repeated.
  if (ledger.ready() && replay.Collect()) {
    Step();
    replay.Send(ledger, owner);
  }
  for (;;) {
    bool new_too = ledger.can_claim() && !replay.active();
    if (!ledger.ready() || (told.empty() && (!new_too || to_claim.empty()))) break;
    const int64_t wall_ms = clock.WallMillis();
    new_too = LookAtClock(wall_ms) && new_too;
    if (told.empty() && !new_too) break;
    LedgerBatches::Batch* const batch = batches.Open(BatchKind::kClaim);
    if (batch == nullptr) return;
    claim_requests.clear();
    while (!batch->full()) {
      const bool from_told = !told.empty();
      if (!from_told && (!new_too || to_claim.empty())) break;
      const uint32_t entry = pool.PopFront(from_told ? told : to_claim);
      Held& held = pool[entry];
      if (!from_told) {
        if (!held.as_it_was) held.requested_at_ms = wall_ms;
        held.as_it_was = false;
        SetStatus(held, SlotState::kClaimed);
      }
      held.phase = Phase::kClaiming;
      claim_requests.push_back(RequestOf(held));
      batch->Add(entry);
    }
    const uint64_t id = batches.Begin(*batch, now_ns);
    Step();
    ledger.Claim(owner, claim_requests, id);
  }
  if (!take_overs.empty()) FlushTakeOvers();
}

void Forwarder::Impl::OnClaimed(BatchId id, std::span<const ledger::ClaimReply> replies) {
  now_ns = clock.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) {
    if (!replay.OnClaimed(id, replies)) Fence();
    return;
  }
  const LedgerBatches::Batch& batch = batches.OnAnswered(id, replies.size(), now_ns);
  for (size_t i = 0; i < replies.size(); ++i) {
    const uint32_t entry = batch.entries()[i];
    if (fenced) continue;
    if (!kept.empty()) NoLongerKept(entry);
    if (id.kind == BatchKind::kTakeOver && replies[i].existed) {
      metrics.taken_over.Add();
      pool[entry].reject_reason = 0;
    }
    switch (replies[i].verdict) {
      case ClaimVerdict::kYours:
        Granted(entry, replies[i], false);
        break;
      case ClaimVerdict::kStale:
        Granted(entry, replies[i], true);
        break;
      case ClaimVerdict::kFenced:
        Fence();
        break;
      case ClaimVerdict::kFailed:
        ClaimUndecided(entry);
        break;
      default:
        pool[entry].pinned ? Contradicted(entry, replies[i]) : NotGranted(entry, replies[i]);
    }
  }
}

// The caller adopts what the books hold. `in_doubt`: they hold a later attempt than this table
// knows of, which may have been sent.
void Forwarder::Impl::Granted(uint32_t entry, const ledger::ClaimReply& reply, bool in_doubt) {
  Held& held = pool[entry];
  const bool same_place = IsSameProcessor(held, reply);
  const bool same =
      reply.attempt == held.attempt && same_place && reply.requested_at_ms == held.requested_at_ms;
  if (reply.existed || held.in_doubt) in_doubt = true;
  if (!same && !table.CanHold(reply.processor)) return ClaimUndecided(entry);
  if (!same) {
    GiveBackPlace(held);
    CountUnresolved(entry, false);
    held.attempt = reply.attempt;
    if (!same_place) held.processor = reply.processor;
    held.requested_at_ms = reply.requested_at_ms;
    in_doubt = true;
  }
  held.epoch = reply.epoch;
  held.told = held.others_have = held.in_doubt = false;
  held.tail = tails;
  table.SetClaimEpoch(held.slot, reply.epoch);
  if (in_doubt || held.pinned) {
    held.pinned = true;
    SetStatus(held, SlotState::kUnresolved);
    held.ticket = table.TakeTicket();
    CountUnresolved(entry, true);
    return MayBeSentAgain(held) ? LookAgain(entry) : WaitUnresolved(entry);
  }
  // Claimed by an earlier start for a processor that this one does not have, and never sent.
  if (!Configured(held.processor)) return Refused(entry);
  SetStatus(held, SlotState::kSent);
  held.ticket = table.TakeTicket();
  held.phase = Phase::kCommitting;
  pool.PushBack(committing, entry);
  MoveCommitted();
}

// Nothing of this payment was ever sent, and nothing needs to be.
void Forwarder::Impl::NotGranted(uint32_t entry, const ledger::ClaimReply& reply) {
  Held& held = pool[entry];
  switch (reply.verdict) {
    case ClaimVerdict::kBooked:
      // Most often a client's repeat. The books have it; the slot has nothing to tell.
      break;
    case ClaimVerdict::kElsewhere:
      return HeldElsewhere(entry, reply);
    case ClaimVerdict::kConflict:
      metrics.conflicts.Add();
      metrics.rejected.Add();
      reports.Problem("rejected: " + reports.Describe(held) +
                      ": the same correlationId is known with another amount");
      break;
    case ClaimVerdict::kRejected:
      metrics.rejected.Add();
      break;
    default:
      TG_ASSERT(false);
  }
  Release(entry, SlotState::kFree);
}

// A copy that sleeps somewhere is the same entry as one that is sent now; but not if somebody else
// sends the payment elsewhere. So it is sent again only to the very processor that it was sent to,
// and only if nobody else has its claim; FlushPosts sees to it that the books can be asked, and
// have said so since they last lost their tail.
bool Forwarder::Impl::MayBeSentAgain(const Held& held) const {
  return Configured(held.processor) && !OthersHave(held);
}

bool Forwarder::Impl::SameName(payments::ProcessorId a, payments::ProcessorId b) const {
  if (a == b) return true;
  if (a == payments::kNoProcessor || b == payments::kNoProcessor) return false;
  return directory.Name(a) == directory.Name(b);
}

// Whose claim is it now? The reply goes on from there.
void Forwarder::Impl::AskForClaim(uint32_t entry) {
  Held& held = pool[entry];
  if (held.is_repeat) GiveBackPlace(held);
  held.told = true;
  held.phase = Phase::kToClaim;
  pool.PushBack(told, entry);
}

// Whether the claim was executed is not known; nothing was sent. It is repeated as it was: a
// further attempt could pass by what the lost reply had to say.
void Forwarder::Impl::ClaimUndecided(uint32_t entry) {
  Held& held = pool[entry];
  held.as_it_was = !held.told;
  SetDue(entry, Phase::kToClaim, BackoffMs(held.backoffs, 20, 1000));
  if (held.backoffs < 16) ++held.backoffs;
}

void Forwarder::Impl::MoveCommitted() {
  if (committing.empty()) return;
  const uint64_t committed = table.CommittedTicket();
  while (!committing.empty() && pool[committing.front()].ticket <= committed) {
    const uint32_t entry = pool.PopFront(committing);
    pool[entry].phase = Phase::kToPost;
    pool.PushBack(to_post, entry);
  }
}

void Forwarder::Impl::FlushPosts() {
  while (!to_post.empty()) {
    const uint32_t entry = to_post.front();
    const Held& held = pool[entry];
    if (held.tail != tails) {
      // Granted by books that have lost it since: somebody else may have it by now.
      pool.Remove(to_post, entry);
      AskForClaim(entry);
      continue;
    }
    if (held.pinned && !ledger.ready()) {
      pool.Remove(to_post, entry);
      WaitUnresolved(entry);
      continue;
    }
    Step();
    if (!client.Post({.payment = table.At(held.slot).payment,
                      .processor = held.processor,
                      .requested_at_ms = held.requested_at_ms},
                     entry)) {
      return;  // a transfer that ends gives its handle back
    }
    pool.Remove(to_post, entry);
    pool[entry].phase = Phase::kPosting;
    router.State(held.processor).OnSent(now_ns);
  }
}

}  // namespace tollgate::forward

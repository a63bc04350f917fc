// From the ring to a granted claim, and the POST.
#include <algorithm>
#include <utility>

#include "forward/forwarder_impl.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {

using ledger::ClaimVerdict;
using payments::RejectReason;
using table::SlotState;

void Forwarder::Impl::TakeWork() {
  router.ForgetWait();
  // All batches that claim are open. A choice of processor made now would be old when its claim is
  // sent, and would keep a place from others.
  if (!batches.ClaimCanLeave()) return;
  while (CanTakeNew() && TakeOne()) {
  }
}

// Moves one payment nearer to its claim; false when nothing more can be taken now.
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

void Forwarder::Impl::WaitForProcessor(uint32_t entry) {
  const Attempt& attempt = pool[entry];
  (attempt.probes < kProbesMax ? router.ready() : router.tried()).Push(attempt.accepted_ns, entry);
}

// On the monotonic clock, so that a step of the wall clock makes no payment wait longer. Only the
// age is from the wall clock, because another opening of the table may have accepted the payment.
int64_t Forwarder::Impl::AcceptedNs(table::SlotIndex slot) const {
  constexpr int64_t kAgeMsMax = int64_t{1000} * 24 * 3600 * 1000;
  const int64_t accepted_ms = std::max<int64_t>(table.At(slot).accepted_at_ms, 0);
  const int64_t age_ms = std::clamp<int64_t>(clock.WallMillis() - accepted_ms, 0, kAgeMsMax);
  return now_ns - age_ms * base::kNanosPerMilli;
}

// What a slot from the ring needs depends only on its state. So a new payment and one found after a
// crash take the same path.
void Forwarder::Impl::Admit(table::SlotIndex slot) {
  const table::SlotStatus status = table.Status(slot);
  const uint32_t entry = pool.Take();
  Attempt& attempt = pool[entry];
  attempt.slot = slot;
  attempt.accepted_ns = AcceptedNs(slot);
  attempt.number = status.attempt;
  attempt.pinned = status.pinned;
  attempt.processor = status.processor;
  attempt.requested_at_ms = status.requested_at_ms;
  attempt.reject_reason = status.reason;
  attempt.epoch = table.At(slot).claim_epoch.load(std::memory_order_relaxed);  // owner's own store
  switch (status.state) {
    case SlotState::kAccepted:
      attempt.phase = Phase::kReady;
      // Whether it was a probe before a restart is not known.
      if (attempt.number != 0) attempt.probes = kProbesMax;
      Route(entry) ? pool.PushBack(to_claim, entry) : WaitForProcessor(entry);
      return;
    case SlotState::kClaimed:
      // This table never sent attempt n. But it may be a copy of a table that did. The ledger knows
      // whether the claim was made.
      attempt.keep_requested_at = true;
      attempt.pin_when_granted = std::exchange(attempt.pinned, false);
      attempt.phase = Phase::kToClaim;
      pool.PushBack(to_claim, entry);
      return;
    case SlotState::kSent:
    case SlotState::kUnresolved:
      attempt.claimed_before = true;
      attempt.phase = Phase::kToClaim;
      transitions.EnterUnresolved(entry);
      if (OtherHasClaim(attempt)) {
        return transitions.Wait(entry, Phase::kUnresolved, 1);  // first a look-up
      }
      pool.PushBack(to_reclaim, entry);
      return;
    case SlotState::kBooked:
    case SlotState::kRejected:
      return transitions.WaitForRecord(entry);
    case SlotState::kFree:
    case SlotState::kFreeBooked:
      TG_ASSERT(false);  // the ring holds published payments only
  }
}

bool Forwarder::Impl::Route(uint32_t entry) {
  Attempt& attempt = pool[entry];
  const Choice choice =
      router.Route({.age_ms = (now_ns - attempt.accepted_ns) / base::kNanosPerMilli,
                    .probes = attempt.probes,
                    .refused_by = attempt.refused_by},
                   now_ns);
  if (choice.processor == payments::kNoProcessor) return false;
  if (choice.is_probe && attempt.probes < kProbesMax) ++attempt.probes;
  attempt.refused_by = payments::kNoProcessor;
  attempt.processor = choice.processor;
  attempt.counted_in_flight = true;
  router.Take(attempt.processor, now_ns);
  ++attempt.number;
  if (attempt.number > 1) metrics.retries.Add();
  attempt.phase = Phase::kToClaim;
  return true;
}

ledger::ClaimRequest Forwarder::Impl::RequestOf(const Attempt& attempt) const {
  const table::Slot& slot = table.At(attempt.slot);
  return {.payment = slot.payment,
          .slot = table::NumberOf(attempt.slot),
          .generation = slot.generation,
          .attempt = attempt.number,
          .processor = attempt.processor,
          .requested_at_ms = attempt.requested_at_ms};
}

void Forwarder::Impl::FlushClaims() {
  // Replay first: nothing new is claimed before the replay is complete.
  if (ledger.ready() && replay.Collect()) {
    Step();
    replay.Send(ledger, owner);
  }
  for (;;) {
    bool new_too = ledger.can_claim() && !replay.active();
    if (!ledger.ready() || (to_reclaim.empty() && (!new_too || to_claim.empty()))) break;
    const int64_t wall_ms = clock.WallMillis();
    new_too = CheckClock(wall_ms) && new_too;
    if (to_reclaim.empty() && !new_too) break;
    LedgerBatches::Batch* const batch = batches.Open(BatchKind::kClaim);
    if (batch == nullptr) return;
    claim_requests.clear();
    while (!batch->full()) {
      const bool reclaims = !to_reclaim.empty();
      if (!reclaims && (!new_too || to_claim.empty())) break;
      const uint32_t entry = pool.PopFront(reclaims ? to_reclaim : to_claim);
      Attempt& attempt = pool[entry];
      if (!reclaims) {
        if (!attempt.keep_requested_at) attempt.requested_at_ms = wall_ms;
        attempt.keep_requested_at = false;
        transitions.EnterClaimed(attempt);
      }
      attempt.phase = Phase::kClaiming;
      claim_requests.push_back(RequestOf(attempt));
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
    if (!kept.empty()) ForgetKept(entry);
    if (id.kind == BatchKind::kTakeOver && replies[i].existed) {
      metrics.taken_over.Add();
      pool[entry].reject_reason = RejectReason::kNone;
    }
    switch (replies[i].verdict) {
      case ClaimVerdict::kYours:
        OnGranted(entry, replies[i], false);
        break;
      case ClaimVerdict::kStale:
        OnGranted(entry, replies[i], true);
        break;
      case ClaimVerdict::kFenced:
        Fence();
        break;
      case ClaimVerdict::kFailed:
        OnClaimUndecided(entry);
        break;
      default:
        pool[entry].pinned ? OnContradicted(entry, replies[i]) : OnNotGranted(entry, replies[i]);
    }
  }
}

// Adopts what the books hold. `in_doubt`: they hold a later attempt than this table knows, which
// may have been sent.
void Forwarder::Impl::OnGranted(uint32_t entry, const ledger::ClaimReply& reply, bool in_doubt) {
  Attempt& attempt = pool[entry];
  const bool same_place = IsSameProcessor(attempt, reply);
  const bool same = reply.attempt == attempt.number && same_place &&
                    reply.requested_at_ms == attempt.requested_at_ms;
  if (reply.existed || attempt.pin_when_granted) in_doubt = true;
  if (!same && !table.CanHold(reply.processor)) return OnClaimUndecided(entry);
  if (!same) {
    transitions.GiveBackPlace(attempt);
    transitions.CountUnresolved(entry, false);
    attempt.number = reply.attempt;
    if (!same_place) attempt.processor = reply.processor;
    attempt.requested_at_ms = reply.requested_at_ms;
    in_doubt = true;
  }
  attempt.claimed_before = attempt.other_has_claim = attempt.pin_when_granted = false;
  attempt.tail = tails;
  transitions.SetEpoch(attempt, reply.epoch);
  if (in_doubt || attempt.pinned) {
    transitions.EnterUnresolved(entry);
    attempt.ticket = table.TakeTicket();
    return MayBeSentAgain(attempt) ? Recheck(entry) : transitions.WaitUnresolved(entry);
  }
  // Claimed by an earlier start for a processor that is not configured now, and never sent.
  if (!Configured(attempt.processor)) return transitions.EnterAccepted(entry);
  transitions.EnterSent(entry);
  MoveCommitted();
}

// Nothing of this payment was sent, and nothing needs to be sent.
void Forwarder::Impl::OnNotGranted(uint32_t entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool[entry];
  switch (reply.verdict) {
    case ClaimVerdict::kBooked:
      // Usually a client's repeat. The books have it, so the slot has nothing to replay.
      break;
    case ClaimVerdict::kElsewhere:
      return OnHeldElsewhere(entry, reply);
    case ClaimVerdict::kConflict:
      metrics.conflicts.Add();
      metrics.rejected.Add();
      reports.Problem("rejected: " + reports.Describe(attempt) +
                      ": the same correlationId is known with another amount");
      break;
    case ClaimVerdict::kRejected:
      metrics.rejected.Add();
      break;
    default:
      TG_ASSERT(false);
  }
  transitions.EnterFree(entry, SlotState::kFree);
}

// A copy that sleeps somewhere is the same entry as one that is sent now, unless another owner
// sends the payment to another processor. So it is sent again only to the processor that it was
// sent to, and only if no other owner has its claim. FlushPosts makes sure that the books can be
// asked, and that they have granted the claim since they last lost their tail.
bool Forwarder::Impl::MayBeSentAgain(const Attempt& attempt) const {
  return Configured(attempt.processor) && !OtherHasClaim(attempt);
}

bool Forwarder::Impl::SameName(payments::ProcessorId a, payments::ProcessorId b) const {
  if (a == b) return true;
  if (a == payments::kNoProcessor || b == payments::kNoProcessor) return false;
  return directory.Name(a) == directory.Name(b);
}

// Asks the books whose claim it is now; OnClaimed goes on from there.
void Forwarder::Impl::Reclaim(uint32_t entry) {
  Attempt& attempt = pool[entry];
  if (attempt.is_recheck) transitions.GiveBackPlace(attempt);
  attempt.claimed_before = true;
  attempt.phase = Phase::kToClaim;
  pool.PushBack(to_reclaim, entry);
}

// It is not known whether the claim was executed; nothing was sent. It is repeated as it was: a
// further attempt could overtake what the lost reply said.
void Forwarder::Impl::OnClaimUndecided(uint32_t entry) {
  Attempt& attempt = pool[entry];
  attempt.keep_requested_at = !attempt.claimed_before;
  transitions.WaitAbout(entry, Phase::kToClaim, attempt.backoff.NextMs(kLedgerWaits));
}

void Forwarder::Impl::MoveCommitted() {
  AttemptList& committing = transitions.committing();
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
    const Attempt& attempt = pool[entry];
    if (attempt.tail != tails) {
      // The books that granted it have lost their tail since: another owner may have the claim now.
      pool.Remove(to_post, entry);
      Reclaim(entry);
      continue;
    }
    if (attempt.pinned && !ledger.ready()) {
      pool.Remove(to_post, entry);
      transitions.WaitUnresolved(entry);
      continue;
    }
    Step();
    if (!client.Post({.payment = table.At(attempt.slot).payment,
                      .processor = attempt.processor,
                      .requested_at_ms = attempt.requested_at_ms},
                     entry)) {
      return;  // a transfer that ends frees its handle
    }
    pool.Remove(to_post, entry);
    pool[entry].phase = Phase::kPosting;
    router.State(attempt.processor).OnSent(now_ns);
  }
}

}  // namespace tollgate::forward

// From the ring to a granted claim, and the POST.
#include <algorithm>
#include <utility>

#include "forward/due_heap.h"
#include "forward/ledger_batches.h"
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
using payments::RejectReason;
using table::SlotState;

void Forwarder::TakeWork() {
  router_->ForgetWait();
  // All batches that claim are open. A choice of processor made now would be old when its claim is
  // sent, and would keep a place from others.
  if (!batches_->ClaimCanLeave()) return;
  while (CanTakeNew() && TakeOne()) {
  }
}

// Moves one payment nearer to its claim; false when nothing more can be taken now.
bool Forwarder::TakeOne() {
  if (RouteFirstOf(router_->tried()) || RouteFirstOf(router_->ready())) return true;
  if (!router_->ready().empty() || !router_->AnyEligible(now_ns_)) return false;
  const auto slot = ring_.TryPop();
  if (!slot) recovered_left_ = 0;
  if (!slot) return false;
  if (recovered_left_ != 0) --recovered_left_;
  router_->OnTaken();
  Admit(*slot);
  return true;
}

bool Forwarder::RouteFirstOf(DueHeap& waiting) {
  if (waiting.empty() || !Route(waiting.front())) return false;
  pool_.PushBack(to_claim_, waiting.Pop());
  return true;
}

void Forwarder::WaitForProcessor(EntryIndex entry) {
  const Attempt& attempt = pool_[entry];
  (attempt.probes < kProbesMax ? router_->ready() : router_->tried())
      .Push(attempt.accepted_ns, entry);
}

// On the monotonic clock, so that a step of the wall clock makes no payment wait longer. Only the
// age is from the wall clock, because another opening of the table may have accepted the payment.
int64_t Forwarder::AcceptedNs(table::SlotIndex slot) const {
  constexpr int64_t kAgeMsMax = int64_t{1000} * 24 * 3600 * 1000;
  const int64_t accepted_ms = std::max<int64_t>(table_.At(slot).accepted_at_ms, 0);
  const int64_t age_ms = std::clamp<int64_t>(clock_.WallMillis() - accepted_ms, 0, kAgeMsMax);
  return now_ns_ - age_ms * base::kNanosPerMilli;
}

// What a slot from the ring needs depends only on its state. So a new payment and one found after a
// crash take the same path.
void Forwarder::Admit(table::SlotIndex slot) {
  const table::SlotStatus status = table_.Status(slot);
  const EntryIndex entry = pool_.Take();
  Attempt& attempt = pool_[entry];
  attempt.slot = slot;
  attempt.accepted_ns = AcceptedNs(slot);
  attempt.number = status.attempt;
  attempt.pinned = status.pinned;
  attempt.processor = status.processor;
  attempt.requested_at_ms = status.requested_at_ms;
  attempt.reject_reason = status.reason;
  attempt.epoch = table_.At(slot).claim_epoch.load(std::memory_order_relaxed);  // owner's own store
  switch (status.state) {
    case SlotState::kAccepted:
      attempt.phase = Phase::kReady;
      // Whether it was a probe before a restart is not known.
      if (attempt.number != 0) attempt.probes = kProbesMax;
      Route(entry) ? pool_.PushBack(to_claim_, entry) : WaitForProcessor(entry);
      return;
    case SlotState::kClaimed:
      // This table never sent attempt n. But it may be a copy of a table that did. The ledger knows
      // whether the claim was made.
      attempt.keep_requested_at = true;
      attempt.pin_when_granted = std::exchange(attempt.pinned, false);
      attempt.phase = Phase::kToClaim;
      pool_.PushBack(to_claim_, entry);
      return;
    case SlotState::kSent:
    case SlotState::kUnresolved:
      attempt.claimed_before = true;
      attempt.phase = Phase::kToClaim;
      transitions_->EnterUnresolved(entry);
      if (OtherHasClaim(attempt)) {
        return transitions_->Wait(entry, Phase::kUnresolved, 1);  // first a look-up
      }
      pool_.PushBack(to_reclaim_, entry);
      return;
    case SlotState::kBooked:
    case SlotState::kRejected:
      return transitions_->WaitForRecord(entry);
    case SlotState::kFree:
    case SlotState::kFreeBooked:
      TG_ASSERT(false);  // the ring holds published payments only
  }
}

bool Forwarder::Route(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  const Choice choice =
      router_->Route({.age_ms = (now_ns_ - attempt.accepted_ns) / base::kNanosPerMilli,
                      .probes = attempt.probes,
                      .refused_by = attempt.refused_by},
                     now_ns_);
  if (choice.processor == payments::kNoProcessor) return false;
  if (choice.is_probe && attempt.probes < kProbesMax) ++attempt.probes;
  attempt.refused_by = payments::kNoProcessor;
  attempt.processor = choice.processor;
  attempt.counted_in_flight = true;
  router_->Take(attempt.processor, now_ns_);
  ++attempt.number;
  if (attempt.number > 1) metrics_.retries.Add();
  attempt.phase = Phase::kToClaim;
  return true;
}

ledger::ClaimRequest Forwarder::RequestOf(const Attempt& attempt) const {
  const table::Slot& slot = table_.At(attempt.slot);
  return {.payment = slot.payment,
          .slot = table::NumberOf(attempt.slot),
          .generation = slot.generation,
          .attempt = attempt.number,
          .processor = attempt.processor,
          .requested_at_ms = attempt.requested_at_ms};
}

void Forwarder::FlushClaims() {
  // Replay first: nothing new is claimed before the replay is complete.
  if (ledger_.ready() && replay_->Collect()) {
    Step();
    replay_->Send(ledger_, owner_);
  }
  for (;;) {
    bool new_too = ledger_.can_claim() && !replay_->active();
    if (!ledger_.ready() || (to_reclaim_.empty() && (!new_too || to_claim_.empty()))) break;
    const int64_t wall_ms = clock_.WallMillis();
    new_too = CheckClock(wall_ms) && new_too;
    if (to_reclaim_.empty() && !new_too) break;
    LedgerBatches::Batch* const batch = batches_->Open(BatchKind::kClaim);
    if (batch == nullptr) return;
    claim_requests_.clear();
    while (!batch->full()) {
      const bool reclaims = !to_reclaim_.empty();
      if (!reclaims && (!new_too || to_claim_.empty())) break;
      const EntryIndex entry = pool_.PopFront(reclaims ? to_reclaim_ : to_claim_);
      Attempt& attempt = pool_[entry];
      if (!reclaims) {
        if (!attempt.keep_requested_at) attempt.requested_at_ms = wall_ms;
        attempt.keep_requested_at = false;
        transitions_->EnterClaimed(attempt);
      }
      attempt.phase = Phase::kClaiming;
      claim_requests_.push_back(RequestOf(attempt));
      batch->Add(entry);
    }
    const uint64_t id = batches_->Begin(*batch, now_ns_);
    Step();
    ledger_.Claim(owner_, claim_requests_, id);
  }
  if (!take_overs_.empty()) FlushTakeOvers();
}

void Forwarder::OnClaimed(uint64_t call, std::span<const ledger::ClaimReply> replies) {
  const BatchId id = BatchId::Unpack(call);
  now_ns_ = clock_.MonotonicNanos();
  if (id.kind == BatchKind::kReplay) {
    if (!replay_->OnClaimed(id, replies)) Fence();
    return;
  }
  const LedgerBatches::Batch& batch = batches_->OnAnswered(id, replies.size(), now_ns_);
  for (size_t i = 0; i < replies.size(); ++i) {
    const EntryIndex entry = batch.entries()[i];
    if (fenced_) continue;
    if (!kept_.empty()) ForgetKept(entry);
    if (id.kind == BatchKind::kTakeOver && replies[i].existed) {
      metrics_.taken_over.Add();
      pool_[entry].reject_reason = RejectReason::kNone;
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
        pool_[entry].pinned ? OnContradicted(entry, replies[i]) : OnNotGranted(entry, replies[i]);
    }
  }
}

// Adopts what the books hold. `in_doubt`: they hold a later attempt than this table knows, which
// may have been sent.
void Forwarder::OnGranted(EntryIndex entry, const ledger::ClaimReply& reply, bool in_doubt) {
  Attempt& attempt = pool_[entry];
  const bool same_place = IsSameProcessor(attempt, reply);
  const bool same = reply.attempt == attempt.number && same_place &&
                    reply.requested_at_ms == attempt.requested_at_ms;
  if (reply.existed || attempt.pin_when_granted) in_doubt = true;
  if (!same && !table_.CanHold(reply.processor)) return OnClaimUndecided(entry);
  if (!same) {
    transitions_->GiveBackPlace(attempt);
    transitions_->CountUnresolved(entry, false);
    attempt.number = reply.attempt;
    if (!same_place) attempt.processor = reply.processor;
    attempt.requested_at_ms = reply.requested_at_ms;
    in_doubt = true;
  }
  attempt.claimed_before = attempt.other_has_claim = attempt.pin_when_granted = false;
  attempt.tail = tails_;
  transitions_->SetEpoch(attempt, reply.epoch);
  if (in_doubt || attempt.pinned) {
    transitions_->EnterUnresolved(entry);
    attempt.ticket = table_.TakeTicket();
    return MayBeSentAgain(attempt) ? Recheck(entry) : transitions_->WaitUnresolved(entry);
  }
  // Claimed by an earlier start for a processor that is not configured now, and never sent.
  if (!router_->Configured(attempt.processor)) return transitions_->EnterAccepted(entry);
  transitions_->EnterSent(entry);
  MoveCommitted();
}

// Nothing of this payment was sent, and nothing needs to be sent.
void Forwarder::OnNotGranted(EntryIndex entry, const ledger::ClaimReply& reply) {
  Attempt& attempt = pool_[entry];
  switch (reply.verdict) {
    case ClaimVerdict::kBooked:
      // Usually a client's repeat. The books have it, so the slot has nothing to replay.
      break;
    case ClaimVerdict::kElsewhere:
      return OnHeldElsewhere(entry, reply);
    case ClaimVerdict::kConflict:
      metrics_.conflicts.Add();
      metrics_.rejected.Add();
      reports_->Problem("rejected: " + reports_->Describe(attempt) +
                        ": the same correlationId is known with another amount");
      break;
    case ClaimVerdict::kRejected:
      metrics_.rejected.Add();
      break;
    default:
      TG_ASSERT(false);
  }
  transitions_->EnterFree(entry, SlotState::kFree);
}

// A copy that sleeps somewhere is the same entry as one that is sent now, unless another owner
// sends the payment to another processor. So it is sent again only to the processor that it was
// sent to, and only if no other owner has its claim. FlushPosts makes sure that the books can be
// asked, and that they have granted the claim since they last lost their tail.
bool Forwarder::MayBeSentAgain(const Attempt& attempt) const {
  return router_->Configured(attempt.processor) && !OtherHasClaim(attempt);
}

bool Forwarder::SameName(payments::ProcessorId a, payments::ProcessorId b) const {
  if (a == b) return true;
  if (a == payments::kNoProcessor || b == payments::kNoProcessor) return false;
  return directory_.Name(a) == directory_.Name(b);
}

// Asks the books whose claim it is now; OnClaimed goes on from there.
void Forwarder::Reclaim(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  if (attempt.is_recheck) transitions_->GiveBackPlace(attempt);
  attempt.claimed_before = true;
  attempt.phase = Phase::kToClaim;
  pool_.PushBack(to_reclaim_, entry);
}

// It is not known whether the claim was executed; nothing was sent. It is repeated as it was: a
// further attempt could overtake what the lost reply said.
void Forwarder::OnClaimUndecided(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  attempt.keep_requested_at = !attempt.claimed_before;
  transitions_->WaitAbout(entry, Phase::kToClaim, attempt.backoff.NextMs(kLedgerWaits));
}

void Forwarder::MoveCommitted() {
  AttemptList& committing = transitions_->committing();
  if (committing.empty()) return;
  const uint64_t committed = table_.CommittedTicket();
  while (!committing.empty() && pool_[committing.front()].ticket <= committed) {
    const EntryIndex entry = pool_.PopFront(committing);
    pool_[entry].phase = Phase::kToPost;
    pool_.PushBack(to_post_, entry);
  }
}

void Forwarder::FlushPosts() {
  while (!to_post_.empty()) {
    const EntryIndex entry = to_post_.front();
    const Attempt& attempt = pool_[entry];
    if (attempt.tail != tails_) {
      // The books that granted it have lost their tail since: another owner may have the claim now.
      pool_.Remove(to_post_, entry);
      Reclaim(entry);
      continue;
    }
    if (attempt.pinned && !ledger_.ready()) {
      pool_.Remove(to_post_, entry);
      transitions_->WaitUnresolved(entry);
      continue;
    }
    Step();
    if (!client_.Post({.payment = table_.At(attempt.slot).payment,
                       .processor = attempt.processor,
                       .requested_at_ms = attempt.requested_at_ms},
                      NumberOf(entry))) {
      return;  // a transfer that ends frees its handle
    }
    pool_.Remove(to_post_, entry);
    pool_[entry].phase = Phase::kPosting;
    router_->State(attempt.processor).OnSent(now_ns_);
  }
}

}  // namespace tollgate::forward

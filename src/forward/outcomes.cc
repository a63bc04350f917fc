// What a processor's answer leads to (docs/ARCHITECTURE.md, "Outcomes").
#include <algorithm>
#include <array>

#include "forward/reports.h"
#include "forward/router.h"
#include "forward/routing_report.h"
#include "forward/transitions.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::forward {

using payments::RejectReason;
using upstream::LookupOutcome;
using upstream::PostOutcome;

namespace {

// How many look-ups after a 500 may be unclear before the payment is pinned.
constexpr uint8_t kLookupsUnclearMax = 5;

// Longer than a copy can sleep inside a processor, which is 45 s (docs/PROCESSORS.md).
constexpr int64_t kInvalidForNs = 60 * base::kNanosPerSecond;

static_assert(std::tuple_size_v<decltype(metrics::ProcessorMetrics::outcomes)> ==
              upstream::kPostOutcomes);

}  // namespace

// What the answer says about the processor, independent of the payment.
void Forwarder::NoteAnswer(payments::ProcessorId id, const upstream::PostResult& result) {
  ProcessorState& state = router_->State(id);
  metrics::ProcessorMetrics& out = metrics_.processors[id];
  out.outcomes[static_cast<size_t>(result.outcome)].Add();
  const bool silent =
      result.outcome == PostOutcome::kNotSent || result.outcome == PostOutcome::kUnknown;
  state.OnEnded(!silent || result.http_status != 0, now_ns_);
  switch (result.outcome) {
    case PostOutcome::kConfirmed:
    case PostOutcome::kDuplicate:
      out.latency_us.Observe(static_cast<uint64_t>(result.duration_us));
      if (state.OnSuccess(result.duration_us, now_ns_)) {
        routing_report_->ReportPassedOver(id, "a payment went through");
      }
      return;
    case PostOutcome::kOverCapacity:
      if (state.OnOverCapacity(result.duration_us, result.retry_after_ms, now_ns_)) {
        routing_report_->ReportPassedOver(id, "it answers 429 and has taken nothing for a while");
      }
      return;
    case PostOutcome::kInvalid:
      return;  // says nothing about the processor
    case PostOutcome::kNotSent:
    case PostOutcome::kEmpty500:
    case PostOutcome::kError500:
    case PostOutcome::kUnknown:
      if (state.OnFailure(result.duration_us, now_ns_)) {
        const std::string why = std::to_string(state.failures()) +
                                " failures in a row, the last: " + upstream::Name(result.outcome);
        routing_report_->ReportPassedOver(id, why);
      }
      return;
  }
}

void Forwarder::OnPosted(uint64_t cookie, const upstream::PostResult& result) {
  const EntryIndex entry{static_cast<uint32_t>(cookie)};
  now_ns_ = clock_.MonotonicNanos();
  Attempt& attempt = pool_[entry];
  TG_ASSERT(attempt.phase == Phase::kPosting);
  NoteAnswer(attempt.processor, result);
  if (fenced_) return;
  if (result.outcome == PostOutcome::kConfirmed)
    return transitions_->EnterBooked(entry, attempt.requested_at_ms);
  if (result.outcome == PostOutcome::kDuplicate) {
    attempt.answered_duplicate = true;
    return StartLookup(entry);
  }
  attempt.pinned ? OnPinnedPosted(entry, result) : OnUnpinnedPosted(entry, result);
}

// Once pinned, a payment is freed only by the answer that it is booked: an earlier copy may still
// sleep inside the processor. The exception is a request that the processor calls invalid for a
// minute, if each look-up before says that it does not hold the payment.
void Forwarder::OnPinnedPosted(EntryIndex entry, const upstream::PostResult& result) {
  Attempt& attempt = pool_[entry];
  if (result.outcome != PostOutcome::kInvalid) {
    attempt.invalid_since_ns = 0;
    return transitions_->WaitUnresolved(entry);
  }
  if (attempt.invalid_since_ns == 0) attempt.invalid_since_ns = now_ns_;
  if (now_ns_ - attempt.invalid_since_ns >= kInvalidForNs) {
    return transitions_->EnterRejected(entry, RejectReason::kRefused);
  }
  transitions_->WaitUnresolved(entry);
}

void Forwarder::OnUnpinnedPosted(EntryIndex entry, const upstream::PostResult& result) {
  switch (result.outcome) {
    case PostOutcome::kOverCapacity:
      pool_[entry].refused_by = pool_[entry].processor;
      return transitions_->EnterAccepted(entry);
    case PostOutcome::kNotSent:
      return transitions_->EnterAccepted(entry);
    case PostOutcome::kEmpty500:
      return StartLookup(entry);  // this attempt has ended: "absent" will be proof
    case PostOutcome::kInvalid:
      return transitions_->EnterRejected(entry, RejectReason::kRefused);
    case PostOutcome::kError500:
    case PostOutcome::kUnknown:
      return transitions_->EnterUnknown(entry);
    case PostOutcome::kConfirmed:
    case PostOutcome::kDuplicate:
      TG_ASSERT(false);
  }
}

void Forwarder::StartLookup(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  Step();
  const payments::ProcessorId at = directory_.ConfiguredId(attempt.processor);
  if (client_.Lookup(table_.At(attempt.slot).payment.id, at, NumberOf(entry))) {
    attempt.phase = Phase::kLookingUp;
    return;
  }
  transitions_->WaitAbout(entry, Phase::kLookupWait, kHandleWaitMs);
}

void Forwarder::OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) {
  const EntryIndex entry{static_cast<uint32_t>(cookie)};
  now_ns_ = clock_.MonotonicNanos();
  Attempt& attempt = pool_[entry];
  TG_ASSERT(attempt.phase == Phase::kLookingUp);
  if (fenced_) return;
  if (result.outcome == LookupOutcome::kFound && CanBeOurs(entry, result)) {
    return OnFound(entry, result);
  }
  if (attempt.pinned) {
    // "Absent" proves nothing, so the same entry is sent again; but not to a processor that said
    // that it has it, nor to one that does not answer.
    const bool absent = result.outcome == LookupOutcome::kAbsent && !attempt.answered_duplicate;
    if (absent && MayBeSentAgain(attempt)) {
      // The slot may have changed since the last copy was sent, and may not be on disk.
      transitions_->WaitForCommit(entry);
      return MoveCommitted();
    }
    attempt.answered_duplicate = false;
    if (absent && ledger_.ready()) return Reclaim(entry);
    return transitions_->WaitUnresolved(entry);
  }
  if (attempt.answered_duplicate) {
    attempt.answered_duplicate = false;
    return transitions_->EnterUnknown(entry);
  }
  if (result.outcome == LookupOutcome::kAbsent) return transitions_->EnterAccepted(entry);
  attempt.backoff.CountFailure();
  if (attempt.backoff.failures() > kLookupsUnclearMax) return transitions_->EnterUnknown(entry);
  transitions_->WaitAbout(entry, Phase::kLookupWait, attempt.backoff.DelayMs(kRetryWaits));
}

// Which requestedAt a processor can hold with an id of ours: one that a gateway of the fleet has
// sent. It may be from an attempt of this payment, at or after its acceptance. Or it is from an
// earlier repeat that another gateway took, and whose booking the books have forgotten or lost. The
// books know a booking for the window, and for up to a day more, because they forget by the day.
// The sender's clock may have differed from this one by up to two days. A clock may also have been
// wrong when the payment was accepted or its attempt was made, so the window spans those times and
// now. Any other time is not an answer: the payment stays where it is, and this is reported.
bool Forwarder::CanBeOurs(EntryIndex entry, const upstream::LookupResult& result) {
  Attempt& attempt = pool_[entry];
  const table::Slot& slot = table_.At(attempt.slot);
  if (result.payment.amount_cents != slot.payment.amount_cents) {
    // A conflict at any time, unless it is another processor than the one that it was sent to.
    return router_->Configured(attempt.processor);
  }
  constexpr int64_t kDayMs = 24 * 3600 * 1000;
  constexpr int64_t kSkewMs = 2 * kDayMs;
  const int64_t now_ms = clock_.WallMillis();
  const int64_t first_ms = std::min({now_ms, slot.accepted_at_ms, attempt.requested_at_ms}) -
                           options_.dedup_window_ms - kDayMs - kSkewMs;
  const int64_t last_ms = std::max(now_ms, attempt.requested_at_ms) + kSkewMs;
  const int64_t at_ms = result.requested_at_ms;
  if (payments::IsRequestedAt(at_ms) && at_ms >= first_ms && at_ms <= last_ms) return true;
  if (!attempt.reported_time) {
    reports_->Problem("its processor holds " + reports_->Describe(attempt) +
                      " with the requestedAt " +
                      payments::TimestampToString(std::max<int64_t>(at_ms, 0)) +
                      ", which no gateway can have sent; it stays unresolved and is asked about "
                      "again until that time is mended there");
  }
  attempt.reported_time = true;
  return false;
}

// The processor holds this id.
void Forwarder::OnFound(EntryIndex entry, const upstream::LookupResult& result) {
  const payments::Payment& payment = table_.At(pool_[entry].slot).payment;
  TG_ASSERT(result.payment.id == payment.id);
  if (result.payment.amount_cents == payment.amount_cents) {
    return transitions_->EnterBooked(entry, result.requested_at_ms);
  }
  transitions_->EnterRejected(entry, RejectReason::kConflict);
}

// A look-up first: a sleeping copy may be booked by now, and a processor that refuses payments may
// still answer look-ups.
void Forwarder::Recheck(EntryIndex entry) {
  Attempt& attempt = pool_[entry];
  if (draining_) return transitions_->Wait(entry, Phase::kUnresolved, kUnresolvedWaits.max_ms);
  if (!router_->Configured(attempt.processor)) {
    if (directory_.ConfiguredId(attempt.processor) != payments::kNoProcessor) {
      return StartLookup(entry);
    }
    // Its processor cannot be asked, but operators may have settled it on the books.
    return ledger_.ready() ? Reclaim(entry) : transitions_->WaitUnresolved(entry);
  }
  if (!router_->TryTakeForRecheck(attempt.processor)) {
    return transitions_->WaitAbout(entry, Phase::kUnresolved, kPlaceWaitMs);
  }
  attempt.counted_in_flight = true;
  attempt.is_recheck = true;
  StartLookup(entry);
}

}  // namespace tollgate::forward

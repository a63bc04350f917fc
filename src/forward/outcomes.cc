// What a processor's answer leads to (docs/ARCHITECTURE.md, "Outcomes").
#include <algorithm>
#include <array>

#include "forward/forwarder_impl.h"
#include "forward/waits.h"
#include "tollgate/base/assert.h"
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
void Forwarder::Impl::NoteAnswer(payments::ProcessorId id, const upstream::PostResult& result) {
  ProcessorState& state = router.State(id);
  metrics::ProcessorMetrics& out = metrics.processors[id];
  out.outcomes[static_cast<size_t>(result.outcome)].Add();
  const bool silent =
      result.outcome == PostOutcome::kNotSent || result.outcome == PostOutcome::kUnknown;
  state.OnEnded(!silent || result.http_status != 0, now_ns);
  switch (result.outcome) {
    case PostOutcome::kConfirmed:
    case PostOutcome::kDuplicate:
      out.latency_us.Observe(static_cast<uint64_t>(result.duration_us));
      if (state.OnSuccess(result.duration_us, now_ns)) {
        routing_report.ReportPassedOver(id, "a payment went through");
      }
      return;
    case PostOutcome::kOverCapacity:
      if (state.OnOverCapacity(result.duration_us, result.retry_after_ms, now_ns)) {
        routing_report.ReportPassedOver(id, "it answers 429 and has taken nothing for a while");
      }
      return;
    case PostOutcome::kInvalid:
      return;  // says nothing about the processor
    case PostOutcome::kNotSent:
    case PostOutcome::kEmpty500:
    case PostOutcome::kError500:
    case PostOutcome::kUnknown:
      if (state.OnFailure(result.duration_us, now_ns)) {
        const std::string why = std::to_string(state.failures()) +
                                " failures in a row, the last: " + upstream::Name(result.outcome);
        routing_report.ReportPassedOver(id, why);
      }
      return;
  }
}

void Forwarder::Impl::OnPosted(uint32_t entry, const upstream::PostResult& result) {
  now_ns = clock.MonotonicNanos();
  Attempt& attempt = pool[entry];
  TG_ASSERT(attempt.phase == Phase::kPosting);
  NoteAnswer(attempt.processor, result);
  if (fenced) return;
  if (result.outcome == PostOutcome::kConfirmed)
    return transitions.EnterBooked(entry, attempt.requested_at_ms);
  if (result.outcome == PostOutcome::kDuplicate) {
    attempt.answered_duplicate = true;
    return StartLookup(entry);
  }
  attempt.pinned ? OnPinnedPosted(entry, result) : OnUnpinnedPosted(entry, result);
}

// Once pinned, a payment is freed only by the answer that it is booked: an earlier copy may still
// sleep inside the processor. The exception is a request that the processor calls invalid for a
// minute, if each look-up before says that it does not hold the payment.
void Forwarder::Impl::OnPinnedPosted(uint32_t entry, const upstream::PostResult& result) {
  Attempt& attempt = pool[entry];
  if (result.outcome != PostOutcome::kInvalid) {
    attempt.invalid_since_ns = 0;
    return transitions.WaitUnresolved(entry);
  }
  if (attempt.invalid_since_ns == 0) attempt.invalid_since_ns = now_ns;
  if (now_ns - attempt.invalid_since_ns >= kInvalidForNs) {
    return transitions.EnterRejected(entry, RejectReason::kRefused);
  }
  transitions.WaitUnresolved(entry);
}

void Forwarder::Impl::OnUnpinnedPosted(uint32_t entry, const upstream::PostResult& result) {
  switch (result.outcome) {
    case PostOutcome::kOverCapacity:
      pool[entry].refused_by = pool[entry].processor;
      return transitions.EnterAccepted(entry);
    case PostOutcome::kNotSent:
      return transitions.EnterAccepted(entry);
    case PostOutcome::kEmpty500:
      return StartLookup(entry);  // this attempt has ended: "absent" will be proof
    case PostOutcome::kInvalid:
      return transitions.EnterRejected(entry, RejectReason::kRefused);
    case PostOutcome::kError500:
    case PostOutcome::kUnknown:
      return transitions.EnterUnknown(entry);
    case PostOutcome::kConfirmed:
    case PostOutcome::kDuplicate:
      TG_ASSERT(false);
  }
}

void Forwarder::Impl::StartLookup(uint32_t entry) {
  Attempt& attempt = pool[entry];
  Step();
  const payments::ProcessorId at = directory.ConfiguredId(attempt.processor);
  if (client.Lookup(table.At(attempt.slot).payment.id, at, entry)) {
    attempt.phase = Phase::kLookingUp;
    return;
  }
  transitions.WaitAbout(entry, Phase::kLookupWait, kHandleWaitMs);
}

void Forwarder::Impl::OnLookedUp(uint32_t entry, const upstream::LookupResult& result) {
  now_ns = clock.MonotonicNanos();
  Attempt& attempt = pool[entry];
  TG_ASSERT(attempt.phase == Phase::kLookingUp);
  if (fenced) return;
  if (result.outcome == LookupOutcome::kFound && CanBeOurs(entry, result)) {
    return OnFound(entry, result);
  }
  if (attempt.pinned) {
    // "Absent" proves nothing, so the same entry is sent again; but not to a processor that said
    // that it has it, nor to one that does not answer.
    const bool absent = result.outcome == LookupOutcome::kAbsent && !attempt.answered_duplicate;
    if (absent && MayBeSentAgain(attempt)) {
      // The slot may have changed since the last copy was sent, and may not be on disk.
      transitions.WaitForCommit(entry);
      return MoveCommitted();
    }
    attempt.answered_duplicate = false;
    if (absent && ledger.ready()) return Reclaim(entry);
    return transitions.WaitUnresolved(entry);
  }
  if (attempt.answered_duplicate) {
    attempt.answered_duplicate = false;
    return transitions.EnterUnknown(entry);
  }
  if (result.outcome == LookupOutcome::kAbsent) return transitions.EnterAccepted(entry);
  attempt.backoff.CountFailure();
  if (attempt.backoff.failures() > kLookupsUnclearMax) return transitions.EnterUnknown(entry);
  transitions.WaitAbout(entry, Phase::kLookupWait, attempt.backoff.DelayMs(kRetryWaits));
}

// Which requestedAt a processor can hold with an id of ours: one that a gateway of the fleet has
// sent. It may be from an attempt of this payment, at or after its acceptance. Or it is from an
// earlier repeat that another gateway took, and whose booking the books have forgotten or lost. The
// books know a booking for the window, and for up to a day more, because they forget by the day.
// The sender's clock may have differed from this one by up to two days. A clock may also have been
// wrong when the payment was accepted or its attempt was made, so the window spans those times and
// now. Any other time is not an answer: the payment stays where it is, and this is reported.
bool Forwarder::Impl::CanBeOurs(uint32_t entry, const upstream::LookupResult& result) {
  Attempt& attempt = pool[entry];
  const table::Slot& slot = table.At(attempt.slot);
  if (result.payment.amount_cents != slot.payment.amount_cents) {
    // A conflict at any time, unless it is another processor than the one that it was sent to.
    return Configured(attempt.processor);
  }
  constexpr int64_t kDayMs = 24 * 3600 * 1000;
  constexpr int64_t kSkewMs = 2 * kDayMs;
  const int64_t now_ms = clock.WallMillis();
  const int64_t first_ms = std::min({now_ms, slot.accepted_at_ms, attempt.requested_at_ms}) -
                           options.dedup_window_ms - kDayMs - kSkewMs;
  const int64_t last_ms = std::max(now_ms, attempt.requested_at_ms) + kSkewMs;
  const int64_t at_ms = result.requested_at_ms;
  if (payments::IsRequestedAt(at_ms) && at_ms >= first_ms && at_ms <= last_ms) return true;
  if (!attempt.reported_time) {
    reports.Problem("its processor holds " + reports.Describe(attempt) + " with the requestedAt " +
                    payments::TimestampToString(std::max<int64_t>(at_ms, 0)) +
                    ", which no gateway can have sent; it stays unresolved and is asked about "
                    "again until that time is mended there");
  }
  attempt.reported_time = true;
  return false;
}

// The processor holds this id.
void Forwarder::Impl::OnFound(uint32_t entry, const upstream::LookupResult& result) {
  const payments::Payment& payment = table.At(pool[entry].slot).payment;
  TG_ASSERT(result.payment.id == payment.id);
  if (result.payment.amount_cents == payment.amount_cents) {
    return transitions.EnterBooked(entry, result.requested_at_ms);
  }
  transitions.EnterRejected(entry, RejectReason::kConflict);
}

// A look-up first: a sleeping copy may be booked by now, and a processor that refuses payments may
// still answer look-ups.
void Forwarder::Impl::Recheck(uint32_t entry) {
  Attempt& attempt = pool[entry];
  if (draining) return transitions.Wait(entry, Phase::kUnresolved, kUnresolvedWaits.max_ms);
  if (!Configured(attempt.processor)) {
    if (directory.ConfiguredId(attempt.processor) != payments::kNoProcessor) {
      return StartLookup(entry);
    }
    // Its processor cannot be asked, but operators may have settled it on the books.
    return ledger.ready() ? Reclaim(entry) : transitions.WaitUnresolved(entry);
  }
  if (!router.TryTakeForRecheck(attempt.processor)) {
    return transitions.WaitAbout(entry, Phase::kUnresolved, kPlaceWaitMs);
  }
  attempt.counted_in_flight = true;
  attempt.is_recheck = true;
  StartLookup(entry);
}

}  // namespace tollgate::forward

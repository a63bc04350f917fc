#include "forward/transitions.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "forward/waits.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {

using payments::RejectReason;
using table::SlotState;

namespace {

int64_t LeastFee(const std::vector<upstream::ProcessorOptions>& processors) {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const auto& processor : processors) least = std::min(least, processor.fee_ppm);
  return least;
}

}  // namespace

Transitions::Transitions(const TransitionParts& parts)
    : parts_(parts),
      least_fee_ppm_(LeastFee(parts.options.processors)),
      random_(parts.options.seed) {}

void Transitions::SetStatus(const Attempt& attempt, SlotState state) {
  Step();
  parts_.table.SetStatus(attempt.slot, {.state = state,
                                        .pinned = attempt.pinned || attempt.pin_when_granted,
                                        .reason = attempt.reject_reason,
                                        .processor = attempt.processor,
                                        .attempt = attempt.number,
                                        .requested_at_ms = attempt.requested_at_ms});
}

void Transitions::EnterAccepted(EntryIndex entry) {
  Attempt& attempt = parts_.pool[entry];
  TG_ASSERT(!attempt.pinned);
  if (attempt.number >= payments::kAttemptMax) return EnterUnknown(entry);  // no number is left
  GiveBackPlace(attempt);
  attempt.claimed_before = false;
  SetStatus(attempt, SlotState::kAccepted);
  WaitAbout(entry, Phase::kReady, attempt.backoff.NextMs(kRetryWaits));
}

void Transitions::EnterClaimed(const Attempt& attempt) { SetStatus(attempt, SlotState::kClaimed); }

void Transitions::SetEpoch(Attempt& attempt, uint32_t epoch) {
  attempt.epoch = epoch;
  parts_.table.SetClaimEpoch(attempt.slot, epoch);
}

void Transitions::EnterSent(EntryIndex entry) {
  Attempt& attempt = parts_.pool[entry];
  SetStatus(attempt, SlotState::kSent);
  attempt.ticket = parts_.table.TakeTicket();
  WaitForCommit(entry);
}

void Transitions::EnterUnresolved(EntryIndex entry) {
  Attempt& attempt = parts_.pool[entry];
  attempt.pinned = true;
  SetStatus(attempt, SlotState::kUnresolved);
  CountUnresolved(entry, true);
}

void Transitions::EnterUnknown(EntryIndex entry) {
  Attempt& attempt = parts_.pool[entry];
  attempt.backoff.Reset();
  EnterUnresolved(entry);
  WaitUnresolved(entry);
}

void Transitions::EnterBooked(EntryIndex entry, int64_t requested_at_ms) {
  Attempt& attempt = parts_.pool[entry];
  GiveBackPlace(attempt);
  CountUnresolved(entry, false);
  attempt.requested_at_ms = requested_at_ms;
  attempt.pinned = false;
  attempt.reject_reason = RejectReason::kNone;
  SetStatus(attempt, SlotState::kBooked);
  CountBooked(attempt);
  WaitForRecord(entry);
}

void Transitions::CountBooked(const Attempt& attempt) {
  const table::Slot& slot = parts_.table.At(attempt.slot);
  const int64_t cents = slot.payment.amount_cents;
  const payments::ProcessorId configured = parts_.directory.ConfiguredId(attempt.processor);
  const int64_t fee_ppm = parts_.options.processors[configured].fee_ppm;
  const int64_t age_ms = parts_.clock.WallMillis() - slot.accepted_at_ms;
  metrics::ProcessorMetrics& out = parts_.metrics.processors[attempt.processor];
  out.booked.Add();
  out.booked_cents.Add(static_cast<uint64_t>(cents));
  out.forwarding_us.Observe(static_cast<uint64_t>(std::max<int64_t>(age_ms, 0)) * 1000);
  parts_.metrics.fees_ppm_cents.Add(static_cast<uint64_t>(cents * fee_ppm));
  parts_.metrics.least_fees_ppm_cents.Add(static_cast<uint64_t>(cents * least_fee_ppm_));
}

void Transitions::EnterRejected(EntryIndex entry, RejectReason reason) {
  Attempt& attempt = parts_.pool[entry];
  GiveBackPlace(attempt);
  CountUnresolved(entry, false);
  attempt.pinned = false;
  attempt.reject_reason = reason;
  SetStatus(attempt, SlotState::kRejected);
  parts_.metrics.rejected.Add();
  if (reason == RejectReason::kConflict) parts_.metrics.conflicts.Add();
  parts_.reports.Problem("rejected: " + parts_.reports.Describe(attempt) +
                         (reason == RejectReason::kConflict
                              ? ": the processor holds this correlationId with another amount"
                              : ": the processor says that the request is invalid"));
  WaitForRecord(entry);
}

void Transitions::EnterFree(EntryIndex entry, SlotState state) {
  Attempt& attempt = parts_.pool[entry];
  GiveBackPlace(attempt);
  CountUnresolved(entry, false);
  Step();
  parts_.table.Release(attempt.slot, {.state = state,
                                      .pinned = false,
                                      .reason = attempt.reject_reason,
                                      .processor = attempt.processor,
                                      .attempt = attempt.number,
                                      .requested_at_ms = attempt.requested_at_ms});
  parts_.pool.Free(entry);
}

void Transitions::Wait(EntryIndex entry, Phase phase, int64_t delay_ms) {
  parts_.pool[entry].phase = phase;
  due_.Push(parts_.now_ns + delay_ms * base::kNanosPerMilli, entry);
}

void Transitions::WaitAbout(EntryIndex entry, Phase phase, int64_t delay_ms) {
  Wait(entry, phase, base::WithJitter(delay_ms, random_));
}

void Transitions::WaitUnresolved(EntryIndex entry) {
  Attempt& attempt = parts_.pool[entry];
  GiveBackPlace(attempt);
  WaitAbout(entry, Phase::kUnresolved, attempt.backoff.NextMs(kUnresolvedWaits));
}

void Transitions::WaitForCommit(EntryIndex entry) {
  parts_.pool[entry].phase = Phase::kCommitting;
  parts_.pool.PushBack(committing_, entry);
}

void Transitions::WaitForRecord(EntryIndex entry) {
  parts_.pool[entry].phase = Phase::kToRecord;
  parts_.pool.PushBack(to_record_, entry);
}

void Transitions::GiveBackPlace(Attempt& attempt) {
  if (!attempt.counted_in_flight) return;
  attempt.counted_in_flight = false;
  parts_.router.GiveBack(attempt.processor, std::exchange(attempt.is_recheck, false));
}

void Transitions::CountUnresolved(EntryIndex entry, bool on) {
  const Attempt& attempt = parts_.pool[entry];
  const bool changed =
      on ? parts_.unresolved.Add(entry, parts_.now_ns) : parts_.unresolved.Remove(entry);
  if (!changed || !parts_.router.Configured(attempt.processor)) return;
  parts_.router.State(attempt.processor).AddUnresolved(on ? 1 : -1);
  parts_.routing_report.ReportPassedOver(attempt.processor,
                                         on ? "too many of its payments have an unknown outcome"
                                            : "outcomes that were unknown are known");
}

}  // namespace tollgate::forward

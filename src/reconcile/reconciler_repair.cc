// Books what a processor holds and the books lack, with the gateways' own record script.
#include <algorithm>
#include <utility>

#include "reconcile/reconciler.h"
#include "tollgate/base/assert.h"

namespace tollgate::reconcile {
namespace {

using ledger::BookEntry;
using ledger::RecordRequest;
using ledger::RecordVerdict;

// Below the number of look-ups that Books queues, because each repair is verified by one.
constexpr size_t kBatchMax = 64;
static_assert(kBatchMax <= payments::kLedgerBatchMax);

payments::ProcessorId RepairedAt(const Finding& finding) {
  const auto it = std::find_if(finding.differences.begin(), finding.differences.end(),
                               [](const Difference& difference) { return difference.repairable; });
  TG_ASSERT(it != finding.differences.end());
  return it->processor;
}

// The payment as the processor holds it. It carries the claim's epoch, so a payment that was
// claimed before a purge is settled but not counted. Without a claim it is counted now.
RecordRequest RequestOf(const Finding& finding) {
  const payments::ProcessorId processor = RepairedAt(finding);
  const Answer& held = finding.subject.answers[processor];
  const auto& books = finding.subject.books;
  const bool pending = books && books->state == ledger::EntryState::kPending;
  return {.claim = {.payment = {.id = finding.subject.id, .amount_cents = held.amount_cents},
                    .slot = 0,
                    .generation = 0,
                    .attempt = pending ? books->attempt : uint16_t{1},
                    .processor = processor,
                    .requested_at_ms = held.requested_at_ms},
          .booked = true,
          .reason = payments::RejectReason::kNone,
          .epoch_known = pending,
          .epoch = pending ? books->epoch : 0};
}

}  // namespace

void Reconciler::RepairNext() {
  repairing_ = true;
  if (!options_.repair || to_repair_.empty()) {
    finished_ = true;
    return;
  }
  const size_t count = std::min(kBatchMax, to_repair_.size());
  batch_.assign(to_repair_.end() - static_cast<std::ptrdiff_t>(count), to_repair_.end());
  to_repair_.resize(to_repair_.size() - count);
  RecordBatch();
}

void Reconciler::RecordBatch() {
  if (finished_) return;
  if (!ledger_->ready()) return RedisFailed([this] { RecordBatch(); });
  std::vector<RecordRequest> requests;
  for (const size_t finding : batch_) requests.push_back(RequestOf(findings_[finding]));
  ledger_->Record(ledger::kNobody, requests, ++batch_number_);
}

void Reconciler::OnBatchFailed(uint64_t /*batch*/) {
  RedisFailed([this] { RecordBatch(); });
}

void Reconciler::OnRecorded(uint64_t batch, std::span<const ledger::RecordReply> replies) {
  TG_ASSERT(batch == batch_number_ && replies.size() == batch_.size());
  redis_failing_since_ns_ = 0;
  to_verify_ = batch_.size();
  for (size_t i = 0; i < replies.size(); ++i) {
    Finding& finding = findings_[batch_[i]];
    // Meanwhile another processor's booking is on the books.
    if (replies[i].verdict == RecordVerdict::kContradiction) {
      finding.differences.push_back(
          {.kind = DifferenceKind::kHeldTwice, .processor = RepairedAt(finding)});
    }
    finding.repair = Repair::kFailed;  // until the books show it
    Verify(batch_[i]);
  }
}

void Reconciler::Verify(size_t index) {
  FindOnBooks(findings_[index].subject.id, [this, index](const std::optional<BookEntry>& entry) {
    TakeVerified(findings_[index], entry);
    if (--to_verify_ == 0) RepairNext();
  });
}

void Reconciler::TakeVerified(Finding& finding, const std::optional<BookEntry>& entry) {
  const payments::ProcessorId processor = RepairedAt(finding);
  const Answer& held = finding.subject.answers[processor];
  if (!entry || entry->state != ledger::EntryState::kBooked || entry->processor != processor ||
      entry->amount_cents != held.amount_cents || entry->requested_at_ms != held.requested_at_ms) {
    return;
  }
  finding.repair = Repair::kDone;
  ++repaired_;
  if (!entry->counted || !InRange(entry->requested_at_ms)) return;
  --gaps_[processor].count;
  gaps_[processor].amount_cents -= entry->amount_cents;
}

void Reconciler::OnClaimed(uint64_t /*batch*/, std::span<const ledger::ClaimReply> /*replies*/) {
  TG_ASSERT(false);  // this run never claims
}

void Reconciler::OnTailLost() {
  Fail(
      "the server of the books was started again during the run and may have lost what was "
      "repaired "
      "last; run it again");
}

}  // namespace tollgate::reconcile

#include "schedule_sim/instance.h"

#include <bit>

#include "tollgate/base/assert.h"

namespace tollgate::schedule {
namespace {

// Kinds of events.
constexpr uint32_t kClaimed = 0;
constexpr uint32_t kRecordExecuted = 1;
constexpr uint32_t kRecorded = 2;
constexpr uint32_t kPostArrives = 3;
constexpr uint32_t kLookupArrives = 4;
constexpr uint32_t kPostAnswered = 5;
constexpr uint32_t kLookupAnswered = 6;

}  // namespace

// --- The ledger

uint64_t InstantLedger::TakePlace() {
  if (free_.empty()) {
    batches_.emplace_back();
    return batches_.size() - 1;
  }
  const uint64_t place = free_.back();
  free_.pop_back();
  return place;
}

int64_t InstantLedger::LateNs() {
  constexpr uint64_t kLateNs = 30 * base::kNanosPerMilli;
  constexpr int64_t kVeryLateNs = 100 * base::kNanosPerMilli;
  if (!costs_.late_records) return 0;
  return random_.OneIn(50) ? kVeryLateNs : static_cast<int64_t>(random_.Below(kLateNs));
}

void InstantLedger::Claim(const ledger::Owner& /*owner*/,
                          std::span<const ledger::ClaimRequest> requests, uint64_t batch) {
  const uint64_t place = TakePlace();
  batches_[place].id = batch;
  batches_[place].claims.clear();
  for (const ledger::ClaimRequest& request : requests) {
    ledger::ClaimReply reply;
    reply.verdict = ledger::ClaimVerdict::kYours;
    reply.attempt = request.attempt;
    reply.processor = request.processor;
    reply.requested_at_ms = request.requested_at_ms;
    batches_[place].claims.push_back(reply);
  }
  events_.After(costs_.ledger_ns, *this, kClaimed, place);
}

// Nobody else is there.
void InstantLedger::TakeOver(const ledger::Owner& /*owner*/,
                             std::span<const ledger::TakeOverRequest> /*requests*/,
                             uint64_t /*batch*/) {
  TG_ASSERT(false);
}

void InstantLedger::Record(const ledger::Owner& /*owner*/,
                           std::span<const ledger::RecordRequest> requests, uint64_t batch) {
  const uint64_t place = TakePlace();
  batches_[place].id = batch;
  batches_[place].records.clear();
  for (const ledger::RecordRequest& request : requests) {
    TG_ASSERT(request.booked);
    batches_[place].records.push_back(request.claim.payment.id.low);
  }
  events_.After(costs_.ledger_ns / 2 + LateNs(), *this, kRecordExecuted, place);
}

void InstantLedger::OnEvent(uint32_t kind, uint64_t argument) {
  Batch& batch = batches_[argument];
  if (kind == kRecordExecuted) {
    for (const uint64_t payment : batch.records) fates_[payment].on_books_ns = events_.now_ns();
    return events_.After(costs_.ledger_ns / 2, *this, kRecorded, argument);
  }
  free_.push_back(argument);
  news_ = true;
  if (kind == kClaimed) return listener_->OnClaimed(batch.id, batch.claims);
  done_.assign(batch.records.size(), {.verdict = ledger::RecordVerdict::kDone});
  listener_->OnRecorded(batch.id, done_);
}

// --- The client

void InstantClient::Begin(const Call& call, uint32_t kind) {
  auto place = static_cast<uint32_t>(calls_.size());
  if (free_.empty()) {
    calls_.push_back(call);
  } else {
    place = free_.back();
    free_.pop_back();
    calls_[place] = call;
  }
  calls_[place].began_ns = events_.now_ns();
  free_at_ns_ = std::max(free_at_ns_, events_.now_ns()) + costs_.send_ns;
  events_.At(free_at_ns_ + costs_.network_ns, *this, kind, place);
}

bool InstantClient::Post(const upstream::PostRequest& request, uint64_t cookie) {
  Begin({.cookie = cookie,
         .payment = request.payment.id.low,
         .requested_at_ms = request.requested_at_ms,
         .processor = request.processor},
        kPostArrives);
  return true;
}

bool InstantClient::Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                           uint64_t cookie) {
  Begin({.cookie = cookie, .payment = id.low, .processor = processor}, kLookupArrives);
  return true;
}

void InstantClient::OnAnswer(uint32_t call, upstream::PostOutcome outcome) {
  calls_[call].outcome = outcome;
  events_.After(costs_.network_ns, *this, kPostAnswered, call);
}

void InstantClient::OnFound(uint32_t call, bool found) {
  calls_[call].found = found;
  events_.After(costs_.network_ns, *this, kLookupAnswered, call);
}

void InstantClient::OnEvent(uint32_t kind, uint64_t argument) {
  const auto place = static_cast<uint32_t>(argument);
  const Call call = calls_[place];
  SimulatedProcessor& processor = *processors_[call.processor];
  switch (kind) {
    case kPostArrives:
      return processor.Post(*this, place, call.payment, call.requested_at_ms);
    case kLookupArrives:
      return processor.Lookup(*this, place, call.payment);
    case kPostAnswered:
      news_ = true;
      if (call.outcome == upstream::PostOutcome::kConfirmed) {
        fates_[call.payment].heard_ns = events_.now_ns();
      }
      free_.push_back(place);
      return listener_->OnPosted(call.cookie,
                                 {.outcome = call.outcome,
                                  .http_status = 0,
                                  .duration_us = (events_.now_ns() - call.began_ns) / 1000});
    default:
      news_ = true;
      free_.push_back(place);
      TG_ASSERT(!call.found);  // a 500 is sent before the insert
      return listener_->OnLookedUp(call.cookie,
                                   {.outcome = upstream::LookupOutcome::kAbsent, .payment = {}});
  }
}

// --- The instance

Instance::Instance(EventQueue& events, const Costs& costs, SimulatedProcessors& processors,
                   std::vector<Fate>& fates, const payments::ProcessorDirectory& directory,
                   std::unique_ptr<table::PaymentTable> table,
                   const forward::ForwarderOptions& options)
    : events_(events),
      table_(std::move(table)),
      ring_(std::bit_ceil(table_->slot_count())),
      ledger_(events, costs, fates, news_),
      client_(events, costs, processors, fates, news_),
      forwarder_(options, directory, *table_, ring_, ledger_, client_, board_, events.clock(),
                 *metrics_) {}

bool Instance::Accept(const payments::Payment& payment) {
  news_ = true;
  table_->BooksAnswered(events_.now_ns());  // these always do
  const auto slot = table_->Acquire(payment, events_.clock().WallMillis());
  return slot && ring_.TryPush(*slot);
}

void Instance::Pump() {
  if (!news_) return;
  news_ = false;
  forwarder_.Pump();
  const int64_t now_ns = events_.now_ns();
  if (wake_ns_ <= now_ns) wake_ns_ = INT64_MAX;
  const int64_t next_ns = forwarder_.NextDeadlineNs();  // by the clock, 1 ns ahead of ours
  if (next_ns == INT64_MAX) return;
  constexpr int64_t kTurnNs = 200'000;  // a loop does not turn faster
  const int64_t wanted_ns = std::max(next_ns, now_ns + kTurnNs);
  if (wanted_ns >= wake_ns_) return;
  wake_ns_ = wanted_ns;
  events_.At(wanted_ns, *this, 0, 0);
}

}  // namespace tollgate::schedule

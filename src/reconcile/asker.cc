#include "reconcile/asker.h"

#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/payments/limits.h"

namespace tollgate::reconcile {
namespace {

constexpr base::BackoffRange kPauses{.min_ms = 100, .max_ms = 5'000};

}  // namespace

Asker::Asker(net::EventLoop& loop, upstream::ProcessorClient& client, const AskerOptions& options,
             OnAnswer on_answer)
    : loop_(loop), client_(client), options_(options), on_answer_(std::move(on_answer)) {
  for (size_t i = 0; i < options.processors; ++i) {
    const auto id = static_cast<payments::ProcessorId>(i);
    processors_.push_back(std::make_unique<Processor>(loop, [this, id] { Pump(id); }));
  }
  client_.SetEvents(this);
}

Asker::~Asker() = default;

const AskerStats& Asker::stats(payments::ProcessorId processor) const {
  return processors_.at(processor)->stats;
}

void Asker::Ask(const payments::Uuid& id, payments::ProcessorId processor, uint64_t cookie) {
  size_t index = questions_.size();
  if (free_.empty()) {
    questions_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  questions_[index] = {.id = id, .processor = processor, .cookie = cookie};
  Processor& it = *processors_.at(processor);
  ++it.stats.asked;
  it.waiting.push_back(index);
  // Posted, because Pump may get an answer at once and on_answer must not run inside this call.
  loop_.Post(life_.Guard([this, processor] { Pump(processor); }));
}

void Asker::Pump(payments::ProcessorId id) {
  Processor& processor = *processors_[id];
  if (processor.stats.away) return GiveUp(processor);
  const size_t most = processor.failing_since_ns != 0 ? 1 : options_.in_flight_max;
  while (!processor.pause.armed() && !processor.waiting.empty() && processor.in_flight < most) {
    const size_t index = processor.waiting.front();
    if (!client_.Lookup(questions_[index].id, id, index)) {
      return processor.pause.ArmIn(kPauses.min_ms * base::kNanosPerMilli);  // out of handles
    }
    processor.waiting.pop_front();
    ++processor.in_flight;
  }
}

void Asker::OnPosted(uint64_t /*cookie*/, const upstream::PostResult& /*result*/) {
  TG_ASSERT(false);  // this client never posts
}

void Asker::OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) {
  const auto index = static_cast<size_t>(cookie);
  const payments::ProcessorId id = questions_[index].processor;
  Processor& processor = *processors_[id];
  --processor.in_flight;
  // A time that no gateway can have sent is not a valid answer.
  if (result.outcome == upstream::LookupOutcome::kUnclear ||
      (result.outcome == upstream::LookupOutcome::kFound &&
       !payments::IsRequestedAt(result.requested_at_ms))) {
    OnFailed(index, result.http_status);
  } else {
    ++processor.answered;
    processor.failing_since_ns = 0;
    processor.pauses.Reset();
    const bool held = result.outcome == upstream::LookupOutcome::kFound;
    End(index, {.kind = held ? Answer::Kind::kHeld : Answer::Kind::kLacks,
                .amount_cents = result.payment.amount_cents,
                .requested_at_ms = result.requested_at_ms});
  }
  Pump(id);
}

void Asker::OnFailed(size_t index, int http_status) {
  Question& question = questions_[index];
  Processor& processor = *processors_[question.processor];
  processor.stats.last_failure = http_status;
  const int64_t now_ns = loop_.clock().MonotonicNanos();
  if (processor.failing_since_ns == 0) processor.failing_since_ns = now_ns;
  const bool patient =
      now_ns - processor.failing_since_ns < options_.patience_ms * base::kNanosPerMilli;
  if (!patient) processor.stats.away = true;
  // Count a failure against this look-up only if others were answered since its last failure.
  if (question.tries == 0 || processor.answered != question.answered_before) ++question.tries;
  question.answered_before = processor.answered;
  if (processor.stats.away || question.tries >= options_.tries_max) {
    return End(index, {.kind = Answer::Kind::kNone});
  }
  ++processor.stats.repeats;
  processor.waiting.push_back(index);
  if (processor.pause.armed()) return;
  processor.pause.ArmIn(processor.pauses.NextMs(kPauses) * base::kNanosPerMilli);
}

void Asker::GiveUp(Processor& processor) {
  for (const size_t index : std::exchange(processor.waiting, {})) {
    End(index, {.kind = Answer::Kind::kNone});
  }
}

void Asker::End(size_t index, const Answer& answer) {
  const Question question = questions_[index];
  free_.push_back(index);
  AskerStats& stats = processors_[question.processor]->stats;
  switch (answer.kind) {
    case Answer::Kind::kHeld:
      ++stats.held;
      break;
    case Answer::Kind::kLacks:
      ++stats.lacks;
      break;
    case Answer::Kind::kNone:
    case Answer::Kind::kNotAsked:
      ++stats.not_answered;
      break;
  }
  on_answer_(question.cookie, question.processor, answer);
}

}  // namespace tollgate::reconcile

#include "tests/forward/processor_model.h"

namespace tollgate::simulation {

using upstream::LookupOutcome;
using upstream::LookupResult;
using upstream::PostOutcome;

void ClientModel::Answer(int64_t delay_us, uint64_t cookie, PostOutcome outcome) {
  timeline_.After(delay_us, [this, cookie, outcome, delay_us, life = std::weak_ptr<bool>(life_)] {
    if (life.expired()) return;
    events_->OnPosted(cookie, {.outcome = outcome, .http_status = 0, .duration_us = delay_us});
  });
}

// What happens when a copy of the request reaches the end of its delay inside the processor.
PostOutcome ClientModel::Arrive(const upstream::PostRequest& request) {
  ProcessorModel& processor = At(request.processor);
  if (processor.failing) return PostOutcome::kEmpty500;
  if (processor.invalid) return PostOutcome::kInvalid;
  return processor.Book(request.payment, request.requested_at_ms) ? PostOutcome::kConfirmed
                                                                  : PostOutcome::kDuplicate;
}

bool ClientModel::Post(const upstream::PostRequest& request, uint64_t cookie) {
  if (look_) look_(request);
  if (At(request.processor).refuses) {
    const int64_t retry_after_ms = At(request.processor).retry_after_ms;
    timeline_.After(200, [this, cookie, retry_after_ms, life = std::weak_ptr<bool>(life_)] {
      if (life.expired()) return;
      events_->OnPosted(cookie, {.outcome = PostOutcome::kOverCapacity,
                                 .http_status = 429,
                                 .duration_us = 200,
                                 .retry_after_ms = retry_after_ms});
    });
    return true;
  }
  const int64_t delay_us = At(request.processor).delay_us + timeline_.Between(50, 500);
  // A copy that arrives even if its sender ends.
  const auto arrives = [&](int64_t after_us) {
    timeline_.After(after_us, [request, &processor = At(request.processor)] {
      if (!processor.failing) processor.Book(request.payment, request.requested_at_ms);
    });
  };
  if (timeline_.Chance(faults_.not_sent)) {
    Answer(50, cookie, PostOutcome::kNotSent);
  } else if (timeline_.Chance(faults_.over_capacity)) {
    Answer(200, cookie, PostOutcome::kOverCapacity);
  } else if (timeline_.Chance(faults_.lost_request)) {
    Answer(delay_us, cookie, PostOutcome::kUnknown);
  } else if (timeline_.Chance(faults_.lost_answer)) {
    arrives(delay_us);
    Answer(delay_us + 100, cookie, PostOutcome::kUnknown);
  } else if (timeline_.Chance(faults_.sleeping)) {
    arrives(timeline_.Between(1'000'000, 20'000'000));
    Answer(timeline_.Between(1'000, 500'000), cookie, PostOutcome::kUnknown);
  } else if (timeline_.Chance(faults_.sent_twice)) {
    // The pre-request hook stops the second copy: the outcome of the first is unknown.
    arrives(timeline_.Between(0, 3'000'000));
    Answer(100, cookie, PostOutcome::kUnknown);
  } else if (timeline_.Chance(faults_.error_500)) {
    if (timeline_.Chance(2)) arrives(timeline_.Between(0, 2'000'000));
    Answer(delay_us, cookie, PostOutcome::kError500);
  } else {
    timeline_.After(delay_us, [this, request, cookie, &processor = At(request.processor),
                               life = std::weak_ptr<bool>(life_)] {
      if (life.expired()) {  // its sender ended, and it is booked all the same
        if (!processor.failing) processor.Book(request.payment, request.requested_at_ms);
        return;
      }
      Answer(20, cookie, Arrive(request));
    });
  }
  return true;
}

bool ClientModel::Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                         uint64_t cookie) {
  timeline_.After(timeline_.Between(50, 500),
                  [this, id, processor, cookie, life = std::weak_ptr<bool>(life_)] {
                    if (life.expired()) return;
                    LookupResult result;
                    const auto& entries = At(processor).entries();
                    const auto it = entries.find(id);
                    if (timeline_.Chance(faults_.lookup_unclear)) {
                      result.outcome = LookupOutcome::kUnclear;
                    } else if (it == entries.end()) {
                      result.outcome = LookupOutcome::kAbsent;
                    } else {
                      result = {.outcome = LookupOutcome::kFound,
                                .payment = {.id = id, .amount_cents = it->second.cents},
                                .requested_at_ms = it->second.requested_at_ms};
                    }
                    events_->OnLookedUp(cookie, result);
                  });
  return true;
}

}  // namespace tollgate::simulation

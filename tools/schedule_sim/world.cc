#include "schedule_sim/world.h"

#include "tollgate/base/assert.h"

namespace tollgate::schedule {

using upstream::PostOutcome;

void SimulatedProcessor::Post(Asker& asker, uint32_t call, uint64_t payment,
                              int64_t requested_at_ms) {
  const Running running{&asker, call, payment, requested_at_ms};
  const bool entered = limit_.Enter([this, running] {
    uint64_t place = running_.size();
    if (free_.empty()) {
      running_.push_back(running);
    } else {
      place = free_.back();
      free_.pop_back();
      running_[place] = running;
    }
    events_.After(Now().delay_ms * base::kNanosPerMilli, *this, 0, place);
  });
  if (!entered) asker.OnAnswer(call, PostOutcome::kOverCapacity);
}

void SimulatedProcessor::OnEvent(uint32_t /*kind*/, uint64_t argument) {
  const Running running = running_[argument];
  free_.push_back(argument);
  PostOutcome outcome = PostOutcome::kEmpty500;
  if (!Now().failing) {
    Fate& fate = fates_[running.payment];
    TG_ASSERT(fate.processor == kNowhere);  // never charged twice
    fate.processor = id_;
    fate.booked_ns = events_.now_ns();
    fate.requested_at_ms = running.requested_at_ms;
    outcome = PostOutcome::kConfirmed;
  }
  limit_.Leave();
  running.asker->OnAnswer(running.call, outcome);
}

void SimulatedProcessor::Lookup(Asker& asker, uint32_t call, uint64_t payment) {
  const bool entered = limit_.Enter([this, &asker, call, payment] {
    asker.OnFound(call, fates_[payment].processor == id_);
    limit_.Leave();
  });
  if (!entered) asker.OnFound(call, false);  // only ever asked after an answered attempt
}

}  // namespace tollgate::schedule

#include "tollgate/net/sleepers.h"

#include <utility>

namespace tollgate::net {

Sleepers::Seat::Seat(EventLoop& loop, std::function<bool()> has_work)
    : loop_(loop), has_work_(std::move(has_work)) {}

bool Sleepers::Seat::PrepareSleep() {
  flag_.Announce();
  if (!has_work_()) return true;
  flag_.Retract();
  return false;
}

void Sleepers::Seat::AfterSleep() { flag_.Retract(); }

Sleepers::Seat& Sleepers::AddSeat(EventLoop& loop, std::function<bool()> has_work) {
  seats_.push_back(std::make_unique<Seat>(loop, std::move(has_work)));
  return *seats_.back();
}

void Sleepers::Notify() {
  base::SleepFlag<>::FenceAfterPush();
  for (const auto& seat : seats_) {
    if (!seat->flag_.TryWake()) continue;
    seat->loop_.WakeUp();
    return;
  }
}

}  // namespace tollgate::net

#include "tollgate/net/sleepers.h"

#include <utility>

namespace tollgate::net {

Sleepers::Seat::Seat(EventLoop& loop, std::function<bool()> has_work)
    : loop_(loop), has_work_(std::move(has_work)) {}

bool Sleepers::Seat::PrepareSleep() {
  asleep_.store(true, std::memory_order_seq_cst);  // partner: Notify
  // Between the announcement and this look the fence keeps their order, on any machine.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!has_work_()) return true;
  asleep_.store(false, std::memory_order_relaxed);
  return false;
}

void Sleepers::Seat::AfterSleep() { asleep_.store(false, std::memory_order_relaxed); }

Sleepers::Seat& Sleepers::AddSeat(EventLoop& loop, std::function<bool()> has_work) {
  seats_.push_back(std::make_unique<Seat>(loop, std::move(has_work)));
  return *seats_.back();
}

void Sleepers::Notify() {
  // Orders the push before the look for a sleeper; partner: PrepareSleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (const auto& seat : seats_) {
    if (!seat->asleep_.load(std::memory_order_relaxed)) continue;
    if (!seat->asleep_.exchange(false, std::memory_order_acq_rel)) continue;
    seat->loop_.WakeUp();
    return;
  }
}

}  // namespace tollgate::net

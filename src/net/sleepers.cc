#include "tollgate/net/sleepers.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::net {

Sleepers::Seat::Seat(EventLoop& loop, std::function<bool()> has_work)
    : loop_(loop),
      has_work_(std::move(has_work)),
      timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  TG_ASSERT(timer_fd_.valid() && loop_.Add(timer_fd_.get(), EPOLLIN, this).ok());
}

void Sleepers::Seat::OnEvents(uint32_t /*events*/) {
  uint64_t expirations = 0;
  const ssize_t got = ::read(timer_fd_.get(), &expirations, sizeof(expirations));
  TG_ASSERT(got == sizeof(expirations) || errno == EAGAIN);  // EAGAIN: set anew meanwhile
}

void Sleepers::Seat::WakeIn(int64_t delay_ns) {
  itimerspec when{};
  when.it_value.tv_sec = delay_ns / base::kNanosPerSecond;
  when.it_value.tv_nsec = delay_ns % base::kNanosPerSecond;
  TG_ASSERT(::timerfd_settime(timer_fd_.get(), 0, &when, nullptr) == 0);
}

bool Sleepers::Seat::PrepareSleep() {
  flag_.Announce();
  if (!has_work_()) return true;
  flag_.Retract();
  return false;
}

void Sleepers::Seat::AfterSleep() { flag_.Retract(); }

Sleepers::Sleepers(int64_t gather_ns) : gather_ns_(gather_ns) { TG_ASSERT(gather_ns > 0); }

Sleepers::Seat& Sleepers::AddSeat(EventLoop& loop, std::function<bool()> has_work) {
  seats_.push_back(std::make_unique<Seat>(loop, std::move(has_work)));
  return *seats_.back();
}

void Sleepers::Notify() {
  base::SleepFlag<>::FenceAfterPush();
  for (const auto& seat : seats_) {
    if (!seat->flag_.TryWake()) continue;
    seat->WakeIn(gather_ns_);
    return;
  }
}

}  // namespace tollgate::net

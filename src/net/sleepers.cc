#include "tollgate/net/sleepers.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::net {

Sleepers::Seat::Seat(Sleepers& all, EventLoop& loop, Consumer consumer)
    : all_(all),
      loop_(loop),
      consumer_(std::move(consumer)),
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
  const bool able = consumer_.could_take();
  flag_.Announce(able);
  if (consumer_.queue_has()) {
    if (able) {
      chosen_ |= flag_.Retract();
      return false;
    }
    // What it was woken for has waited already. Else a producer is about to notify: as it would.
    all_.HandOn(chosen_ ? 1 : all_.gather_ns_);
  }
  chosen_ = false;
  return true;
}

void Sleepers::Seat::AfterSleep() { chosen_ |= flag_.Retract(); }

Sleepers::Sleepers(int64_t gather_ns) : gather_ns_(gather_ns) { TG_ASSERT(gather_ns > 0); }

Sleepers::Seat& Sleepers::AddSeat(EventLoop& loop, Consumer consumer) {
  seats_.push_back(std::make_unique<Seat>(*this, loop, std::move(consumer)));
  return *seats_.back();
}

void Sleepers::Notify() {
  base::SleepFlag<>::FenceAfterPush();
  auto* const seat = base::ChooseSleeper(seats_, FlagOf);
  if (seat != nullptr) (*seat)->WakeIn(gather_ns_);
}

void Sleepers::HandOn(int64_t delay_ns) {
  auto* const seat = base::ChooseAble(seats_, FlagOf);
  if (seat != nullptr) (*seat)->WakeIn(delay_ns);
}

}  // namespace tollgate::net

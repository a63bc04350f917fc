#include "tollgate/net/waiter_list.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::net {

WaiterList::Waiter::Waiter(WaiterList& all, EventLoop& loop, Consumer consumer)
    : all_(all),
      loop_(loop),
      consumer_(std::move(consumer)),
      timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  TG_ASSERT(timer_fd_.valid());
  TG_CHECK(loop_.Add(timer_fd_.get(), EPOLLIN, this).ok());
}

void WaiterList::Waiter::OnEvents(uint32_t /*events*/) {
  uint64_t expirations = 0;
  const ssize_t got = ::read(timer_fd_.get(), &expirations, sizeof(expirations));
  TG_ASSERT(got == sizeof(expirations) || errno == EAGAIN);  // EAGAIN: armed again meanwhile
}

void WaiterList::Waiter::WakeIn(int64_t delay_ns) {
  itimerspec when{};
  when.it_value.tv_sec = delay_ns / base::kNanosPerSecond;
  when.it_value.tv_nsec = delay_ns % base::kNanosPerSecond;
  TG_CHECK(::timerfd_settime(timer_fd_.get(), 0, &when, nullptr) == 0);
}

bool WaiterList::Waiter::PrepareSleep() {
  const bool able = consumer_.could_take();
  flag_.Announce(able);
  if (consumer_.queue_has()) {
    if (able) {
      chosen_ |= flag_.Retract();
      return false;
    }
    // If this consumer was woken for the value, the value has already lingered. Otherwise a
    // producer is about to notify, and the value lingers as after Notify.
    all_.HandOn(chosen_ ? 1 : all_.linger_ns_);
  }
  chosen_ = false;
  return true;
}

void WaiterList::Waiter::AfterSleep() { chosen_ |= flag_.Retract(); }

WaiterList::WaiterList(int64_t linger_ns) : linger_ns_(linger_ns), groups_(linger_ns) {
  TG_ASSERT(linger_ns > 0);
}

WaiterList::Waiter& WaiterList::AddWaiter(EventLoop& loop, Consumer consumer) {
  waiters_.push_back(std::make_unique<Waiter>(*this, loop, std::move(consumer)));
  return *waiters_.back();
}

void WaiterList::Notify(int64_t now_ns) {
  const bool alone = groups_.OnArrival(now_ns);
  base::SleepFlag<>::FenceAfterPush();
  auto* const waiter = base::ChooseSleeper(waiters_, FlagOf);
  if (waiter != nullptr) (*waiter)->WakeIn(alone ? std::min(kAloneNs, linger_ns_) : linger_ns_);
}

void WaiterList::HandOn(int64_t delay_ns) {
  auto* const waiter = base::ChooseAble(waiters_, FlagOf);
  if (waiter != nullptr) (*waiter)->WakeIn(delay_ns);
}

}  // namespace tollgate::net

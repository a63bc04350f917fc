// WaiterList: which consumers of a ring sleep, so that a producer wakes one, and only if one
// sleeps; by the protocol of base::SleepFlag. The one that is woken wakes a moment later, by a
// timer: what a burst brings is then taken at once, and whoever brought it has its answer before
// the consumer competes for a processor. While one lingers so, no other is woken.
//
// Thread: Notify any; a Waiter belongs to one consumer's thread.
// Invariants: nobody that could take something sleeps on while the ring holds something, but for
// `linger_ns`: whoever goes to sleep and cannot take what is there wakes another that could.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tollgate/base/cache_line.h"
#include "tollgate/base/sleep_flag.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::net {

class WaiterList {
 public:
  struct Consumer {
    std::function<bool()> could_take;  // something, if it were there
    std::function<bool()> queue_has;   // something is there
  };

  // A consumer's place; give it to EventLoop::SetSleepGuard.
  class Waiter final : public SleepGuard, private EventHandler {
   public:
    // Fails by TG_ASSERT only if the kernel gives no descriptor at start-up.
    Waiter(WaiterList& all, EventLoop& loop, Consumer consumer);
    bool PrepareSleep() override;
    void AfterSleep() override;

   private:
    friend class WaiterList;
    void OnEvents(uint32_t events) override;
    void WakeIn(int64_t delay_ns);

    WaiterList& all_;
    EventLoop& loop_;
    const Consumer consumer_;
    const base::UniqueFd timer_fd_;
    bool chosen_ = false;  // to wake for what came, and has not gone to sleep since
    alignas(base::kCacheLineBytes) base::SleepFlag<> flag_;
  };

  // REQUIRES: linger_ns > 0.
  explicit WaiterList(int64_t linger_ns);

  // Before any thread runs; the waiter lives as long as this; the loop does not run any
  // more when this ends.
  Waiter& AddWaiter(EventLoop& loop, Consumer consumer);

  // After a push: one waiter, if one sleeps, wakes in `linger_ns`. No system call if all are
  // awake or waking.
  void Notify();

 private:
  // A consumer cannot take what is there: one that could wakes in `delay_ns`.
  void HandOn(int64_t delay_ns);
  static base::SleepFlag<>& FlagOf(const std::unique_ptr<Waiter>& waiter) { return waiter->flag_; }

  const int64_t linger_ns_;
  std::vector<std::unique_ptr<Waiter>> waiters_;
};

}  // namespace tollgate::net

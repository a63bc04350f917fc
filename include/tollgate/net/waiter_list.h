// WaiterList: knows which consumers of a ring sleep, so that a producer wakes one only if one
// sleeps. It uses the protocol of base::SleepFlag. A chosen consumer wakes after `linger_ns`, by a
// timer. It then takes a whole burst at once, and the producers have sent their answers before it
// competes for a CPU. For a value that is likely to come alone (ArrivalGroups) it wakes after
// kAloneNs. While one consumer lingers, no other is woken.
//
// Thread: Notify any. A Waiter belongs to one consumer's thread.
// Invariants: while the ring holds a value, no consumer that could take it sleeps for longer than
// `linger_ns`. A consumer that goes to sleep and cannot take the value wakes another that can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tollgate/base/cache_line.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/sleep_flag.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/arrival_groups.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::net {

class WaiterList {
 public:
  struct Consumer {
    std::function<bool()> could_take;  // true: it could take a value
    std::function<bool()> queue_has;   // true: the queue holds a value
  };

  // A consumer's entry. Pass it to EventLoop::SetSleepGuard.
  class Waiter final : public SleepGuard, private EventHandler {
   public:
    // Asserts that the kernel provides the timer's descriptor.
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
    bool chosen_ = false;  // to wake for a value, and has not gone to sleep since
    alignas(base::kCacheLineBytes) base::SleepFlag<> flag_;
  };

  static constexpr int64_t kAloneNs = base::kNanosPerMilli / 2;

  // REQUIRES: linger_ns > 0.
  explicit WaiterList(int64_t linger_ns);

  // Call it before any thread runs. The waiter lives as long as this object. The loop must not run
  // any more when this object is destroyed.
  Waiter& AddWaiter(EventLoop& loop, Consumer consumer);

  // Call it after a push. If a consumer sleeps, one wakes in `linger_ns`, or in kAloneNs. Makes no
  // system call if all are awake or one is waking. `now_ns`: when the values came, monotonic.
  void Notify(int64_t now_ns);

 private:
  // Called by a consumer that cannot take the value. Another that can wakes in `delay_ns`.
  void HandOn(int64_t delay_ns);
  static base::SleepFlag<>& FlagOf(const std::unique_ptr<Waiter>& waiter) { return waiter->flag_; }

  const int64_t linger_ns_;
  ArrivalGroups groups_;
  std::vector<std::unique_ptr<Waiter>> waiters_;
};

}  // namespace tollgate::net

// Sleepers: which consumers of a ring sleep, so that a producer wakes one, and only if one sleeps;
// by the protocol of base::SleepFlag. The one that is woken wakes a moment later, by a timer: what
// a burst brings is then taken at once, and whoever brought it has its answer before the consumer
// competes for a processor.
//
// Thread: Notify any; a Seat belongs to one consumer's thread.
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

class Sleepers {
 public:
  // A consumer's place; give it to EventLoop::SetSleepGuard.
  class Seat final : public SleepGuard, private EventHandler {
   public:
    // `has_work` looks at the shared queue and at what this consumer could take from it. Fails by
    // TG_ASSERT only if the kernel gives no descriptor at start-up.
    Seat(EventLoop& loop, std::function<bool()> has_work);
    bool PrepareSleep() override;
    void AfterSleep() override;

   private:
    friend class Sleepers;
    void OnEvents(uint32_t events) override;
    void WakeIn(int64_t delay_ns);

    EventLoop& loop_;
    const std::function<bool()> has_work_;
    const base::UniqueFd timer_fd_;
    alignas(base::kCacheLineBytes) base::SleepFlag<> flag_;
  };

  // REQUIRES: gather_ns > 0.
  explicit Sleepers(int64_t gather_ns);

  // Before any thread runs; the seat lives as long as this; the loop does not run any
  // more when this ends.
  Seat& AddSeat(EventLoop& loop, std::function<bool()> has_work);

  // After a push: one sleeper, if there is one, wakes in `gather_ns`. No system call if all are
  // awake or waking.
  void Notify();

 private:
  const int64_t gather_ns_;
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace tollgate::net

// Sleepers: which consumers of a ring sleep, so that a producer wakes one, and only if one sleeps;
// by the protocol of base::SleepFlag.
//
// Thread: Notify any; a Seat belongs to one consumer's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "tollgate/base/cache_line.h"
#include "tollgate/base/sleep_flag.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::net {

class Sleepers {
 public:
  // A consumer's place; give it to EventLoop::SetSleepGuard.
  class Seat final : public SleepGuard {
   public:
    // `has_work` looks at the shared queue and at what this consumer could take from it.
    Seat(EventLoop& loop, std::function<bool()> has_work);
    bool PrepareSleep() override;
    void AfterSleep() override;

   private:
    friend class Sleepers;
    EventLoop& loop_;
    const std::function<bool()> has_work_;
    alignas(base::kCacheLineBytes) base::SleepFlag<> flag_;
  };

  // Before any thread runs; the seat lives as long as this.
  Seat& AddSeat(EventLoop& loop, std::function<bool()> has_work);

  // After a push: wakes one sleeper if there is one. No system call if all are awake.
  void Notify();

 private:
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace tollgate::net

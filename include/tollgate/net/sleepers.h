// Sleepers: which consumers of a ring sleep, so that a producer wakes one, and only if one sleeps.
// The protocol is Dekker's: the consumer announces its sleep, fences, then looks into the ring once
// more; the producer pushes, fences, then looks for a sleeper. One of the two sees the other.
//
// Thread: Notify any; a Seat belongs to one consumer's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "tollgate/base/cache_line.h"
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
    alignas(base::kCacheLineBytes) std::atomic<bool> asleep_{false};
  };

  // Before any thread runs; the seat lives as long as this.
  Seat& AddSeat(EventLoop& loop, std::function<bool()> has_work);

  // After a push: wakes one sleeper if there is one. No system call if all are awake.
  void Notify();

 private:
  std::vector<std::unique_ptr<Seat>> seats_;
};

}  // namespace tollgate::net

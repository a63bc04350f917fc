// EventLoop: one thread's epoll, timers and hand-over from other threads.
//
// Thread: Post and Stop any; all else only the thread that calls Run (asserted). Before Run is
// called the constructing thread may use it.
// Owns: the epoll and event descriptors. Not: handlers and the descriptors they watch.
// Invariants: an event for a descriptor that was removed, or removed and added again, is never
// delivered to the old handler (generations, as haproxy's ev_epoll.c). One turn is: wait, events,
// posted tasks, due timers, turn hooks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tollgate/base/clock.h"
#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::net {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // `events` are EPOLLIN and so on. May remove itself or others from the loop.
  virtual void OnEvents(uint32_t events) = 0;
};

// Lets a loop sleep only when there is no work of a kind that comes without a system call: the
// producers of a ring wake the loop by WakeUp only if it said that it sleeps.
class SleepGuard {
 public:
  virtual ~SleepGuard() = default;
  // False: there is work, do not sleep. Must be free of lost wake-ups (announce, fence, look).
  virtual bool PrepareSleep() = 0;
  virtual void AfterSleep() = 0;
};

class EventLoop;

// A timer that is armed and disarmed many times without allocating. One owner, one loop.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_due);
  ~Timer();  // disarms
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Due once, when the loop's monotonic time reaches `deadline_ns`. Replaces an earlier deadline.
  void Arm(int64_t deadline_ns);
  void ArmIn(int64_t delay_ns);
  void Disarm();
  bool armed() const { return heap_index_ != kNotInHeap; }
  int64_t deadline_ns() const { return deadline_ns_; }

 private:
  friend class EventLoop;
  static constexpr size_t kNotInHeap = SIZE_MAX;
  EventLoop& loop_;
  const std::function<void()> on_due_;
  int64_t deadline_ns_ = 0;
  size_t heap_index_ = kNotInHeap;
};

class EventLoop {
 public:
  // Fails by TG_ASSERT only if the kernel gives no descriptors at start-up.
  explicit EventLoop(const base::Clock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Watches `fd`; the error carries errno (ENOSPC, ENOMEM). REQUIRES: fd is not watched.
  base::Status Add(int fd, uint32_t events, EventHandler* handler);
  // Does nothing, without a system call, when `events` are those in force.
  void Modify(int fd, uint32_t events);
  // Must be called before the descriptor is closed.
  void Remove(int fd);

  // Runs until Stop.
  void Run();
  // One turn; waits at most `timeout_ms` (0: not at all, negative: until something happens).
  void RunOnce(int timeout_ms);
  void Stop();

  // Runs `task` on the loop's thread soon. Takes a lock and may allocate: not for payments.
  void Post(std::function<void()> task);
  // Ends a sleep, one write to an eventfd. Thread: any.
  void WakeUp();

  // Called at the end of every turn, in the order added: where batches are flushed.
  void AddTurnHook(std::function<void()> hook);
  void SetSleepGuard(SleepGuard* guard) { sleep_guard_ = guard; }

  // Time of this turn: read once after each wait.
  int64_t now_ns() const { return now_ns_; }
  int64_t wall_ms() const { return wall_ms_; }
  const base::Clock& clock() const { return clock_; }
  bool InLoopThread() const;

 private:
  friend class Timer;
  struct Watch {
    EventHandler* handler = nullptr;
    uint32_t generation = 0;
    uint32_t events = 0;
  };

  void HeapInsert(Timer* timer);
  void HeapErase(Timer* timer);
  void SiftUp(size_t index);
  void SiftDown(size_t index);
  int WaitMillis(int timeout_ms) const;
  void Dispatch(uint64_t token, uint32_t events);
  void RunPosted();
  void RunDueTimers();
  void ReadClock();
  void AssertThread() const;

  const base::Clock& clock_;
  base::UniqueFd epoll_fd_;
  base::UniqueFd event_fd_;
  std::vector<Watch> watches_;  // by descriptor
  std::vector<Timer*> heap_;    // binary heap by deadline
  std::vector<std::function<void()>> turn_hooks_;
  SleepGuard* sleep_guard_ = nullptr;
  int64_t now_ns_ = 0;
  int64_t wall_ms_ = 0;
  std::atomic<std::thread::id> thread_{};
  std::atomic<bool> stopped_{false};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // by posted_mutex_
  std::atomic<bool> has_posted_{false};
};

}  // namespace tollgate::net

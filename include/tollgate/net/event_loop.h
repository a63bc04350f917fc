// EventLoop: one thread's epoll and timers, and tasks from other threads.
//
// Thread: Post, Stop, WakeUp and InLoopThread any. All else only the thread that calls Run
// (asserted). Before Run, the constructing thread may use it.
// Owns: the epoll and event descriptors. Not: handlers and the descriptors that they watch.
// Invariants: an event for a descriptor that was removed, or removed and added again, is never
// delivered to the old handler (generations, as in haproxy's ev_epoll.c). One turn is: wait,
// events, posted tasks, due timers, turn hooks.
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
  // `events` are EPOLLIN and so on. The handler may remove itself or others from the loop.
  virtual void OnEvents(uint32_t events) = 0;
};

// Asks before a sleep whether there is work that epoll does not show. The producers of a ring wake
// the loop with WakeUp only if it has announced its sleep.
class SleepGuard {
 public:
  virtual ~SleepGuard() = default;
  // Returns false if there is work, so the loop does not sleep. An implementation must not lose
  // wake-ups (announce, fence, check).
  virtual bool PrepareSleep() = 0;
  virtual void AfterSleep() = 0;
};

class EventLoop;

// A timer that can be armed and disarmed many times without allocating. It has one owner and one
// loop.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_due);
  ~Timer();  // disarms
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls on_due once when the loop's monotonic time reaches `deadline_ns`. Replaces an earlier
  // deadline.
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
  // Asserts that the kernel provides the descriptors.
  explicit EventLoop(const base::Clock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Watches `fd`. The error carries errno (ENOSPC, ENOMEM). REQUIRES: `fd` is not watched.
  base::Status Add(int fd, uint32_t events, EventHandler* handler);
  // Makes no system call if `events` are already in force.
  void Modify(int fd, uint32_t events);
  // Call it before the descriptor is closed.
  void Remove(int fd);

  // Runs turns until Stop.
  void Run();
  // Runs one turn. Waits at most `timeout_ms` (0: no wait, negative: until an event).
  void RunOnce(int timeout_ms);
  void Stop();

  // Runs `task` on the loop's thread. Takes a lock and may allocate, so payments do not use it.
  void Post(std::function<void()> task);
  // Ends the loop's sleep with one write to an eventfd. Thread: any.
  void WakeUp();

  // Called at the end of every turn, in the order of the calls of AddTurnHook. Batches are flushed
  // here.
  void AddTurnHook(std::function<void()> hook);
  void SetSleepGuard(SleepGuard* guard) { sleep_guard_ = guard; }

  // The time of this turn, read once after each wait.
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
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
  std::atomic<bool> has_posted_{false};
};

}  // namespace tollgate::net

#include "tollgate/net/event_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tollgate/base/clock.h"

namespace tollgate::net {
namespace {

class Recorder final : public EventHandler {
 public:
  explicit Recorder(std::function<void()> then = [] {}) : then_(std::move(then)) {}
  void OnEvents(uint32_t events) override {
    ++calls;
    last_events = events;
    then_();
  }
  int calls = 0;
  uint32_t last_events = 0;

 private:
  std::function<void()> then_;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void Fill() const { EXPECT_EQ(::write(in.get(), "x", 1), 1); }
  void Empty() const {
    char byte = 0;
    EXPECT_EQ(::read(out.get(), &byte, 1), 1);
  }
  base::UniqueFd out;
  base::UniqueFd in;
};

class EventLoopTest : public ::testing::Test {
 protected:
  base::ManualClock clock;
  EventLoop loop{clock};
};

TEST_F(EventLoopTest, DeliversEventsUntilRemoved) {
  const Pipe pipe;
  Recorder recorder;
  ASSERT_TRUE(loop.Add(pipe.out.get(), EPOLLIN, &recorder).ok());
  loop.RunOnce(0);
  EXPECT_EQ(recorder.calls, 0);
  pipe.Fill();
  loop.RunOnce(-1);
  loop.RunOnce(-1);
  EXPECT_EQ(recorder.calls, 2) << "level-triggered";
  EXPECT_EQ(recorder.last_events, static_cast<uint32_t>(EPOLLIN));
  loop.Modify(pipe.out.get(), 0);
  loop.RunOnce(0);
  EXPECT_EQ(recorder.calls, 2);
  loop.Modify(pipe.out.get(), EPOLLIN);
  loop.RunOnce(0);
  EXPECT_EQ(recorder.calls, 3);
  loop.Remove(pipe.out.get());
  loop.RunOnce(0);
  EXPECT_EQ(recorder.calls, 3);
}

TEST_F(EventLoopTest, AddingABadDescriptorIsAValue) {
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  Recorder recorder;
  const auto status = loop.Add(file, EPOLLIN, &recorder);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, EPERM);
  ::close(file);
}

// Both have an event in the same turn; the first handler removes the other descriptor.
TEST_F(EventLoopTest, AnEventForARemovedDescriptorIsDropped) {
  const Pipe a;
  const Pipe b;
  Recorder* both[2] = {nullptr, nullptr};
  const auto remove_other = [&](int other, const Pipe& pipe) {
    if (both[other]->calls == 0) loop.Remove(pipe.out.get());
  };
  Recorder first([&] { remove_other(1, b); });
  Recorder second([&] { remove_other(0, a); });
  both[0] = &first;
  both[1] = &second;
  ASSERT_TRUE(loop.Add(a.out.get(), EPOLLIN, &first).ok());
  ASSERT_TRUE(loop.Add(b.out.get(), EPOLLIN, &second).ok());
  a.Fill();
  b.Fill();
  loop.RunOnce(-1);
  EXPECT_EQ(first.calls + second.calls, 1);
}

// As above, but a new descriptor takes the number at once: its handler must not get the old one's
// event.
TEST_F(EventLoopTest, AStaleEventDoesNotReachTheNextOwnerOfTheNumber) {
  std::array<Pipe, 2> pipes;
  Pipe quiet;
  Recorder fresh;
  std::vector<Recorder> recorders;
  recorders.reserve(2);
  bool swapped = false;
  const auto swap = [&](size_t victim) {
    if (std::exchange(swapped, true)) return;
    const int number = pipes[victim].out.get();
    loop.Remove(number);
    ASSERT_EQ(::dup3(quiet.out.get(), number, O_CLOEXEC), number);
    ASSERT_TRUE(loop.Add(number, EPOLLIN, &fresh).ok());
  };
  recorders.emplace_back([&] { swap(1); });
  recorders.emplace_back([&] { swap(0); });
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(loop.Add(pipes[i].out.get(), EPOLLIN, &recorders[i]).ok());
    pipes[i].Fill();
  }
  loop.RunOnce(-1);
  EXPECT_TRUE(swapped);
  EXPECT_EQ(fresh.calls, 0) << "a stale event was delivered";
  quiet.Fill();
  loop.RunOnce(-1);
  EXPECT_EQ(fresh.calls, 1);
}

TEST_F(EventLoopTest, TimersAreDueInOrderAndOnce) {
  std::string order;
  Timer c(loop, [&] { order += 'c'; });
  Timer a(loop, [&] { order += 'a'; });
  Timer b(loop, [&] { order += 'b'; });
  c.ArmIn(30);
  a.ArmIn(10);
  b.ArmIn(20);
  clock.AdvanceNanos(9);
  loop.RunOnce(0);
  EXPECT_EQ(order, "");
  clock.AdvanceNanos(1);
  loop.RunOnce(0);
  EXPECT_EQ(order, "a");
  EXPECT_FALSE(a.armed());
  clock.AdvanceNanos(100);
  loop.RunOnce(0);
  loop.RunOnce(0);
  EXPECT_EQ(order, "abc");
}

TEST_F(EventLoopTest, ATimerMayBeRearmedDisarmedAndDestroyed) {
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.ArmIn(10);
  timer.ArmIn(1000);
  {
    Timer gone(loop, [&] { fired += 100; });
    gone.ArmIn(5);
  }
  clock.AdvanceNanos(500);
  loop.RunOnce(0);
  EXPECT_EQ(fired, 0);
  timer.ArmIn(-1);
  loop.RunOnce(0);
  EXPECT_EQ(fired, 1);
  timer.ArmIn(1);
  timer.Disarm();
  timer.Disarm();
  clock.AdvanceNanos(10);
  loop.RunOnce(0);
  EXPECT_EQ(fired, 1);
}

TEST_F(EventLoopTest, ATimerThatIsDueAtOnceEndsTheTurnAllTheSame) {
  int fired = 0;
  Timer* self = nullptr;
  Timer timer(loop, [&] {
    ++fired;
    self->ArmIn(0);
  });
  self = &timer;
  timer.ArmIn(0);
  loop.RunOnce(0);
  EXPECT_EQ(fired, 1);
  loop.RunOnce(-1);
  EXPECT_EQ(fired, 2);
}

// Many timers are armed, moved and disarmed; the result is compared with a plain list.
TEST_F(EventLoopTest, TheHeapKeepsOrder) {
  constexpr size_t kTimers = 200;
  std::vector<int64_t> due(kTimers, -1);  // as the test expects; -1: not armed
  std::vector<size_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (size_t i = 0; i < kTimers; ++i) {
    timers.push_back(std::make_unique<Timer>(loop, [&fired, i] { fired.push_back(i); }));
  }
  uint32_t random = 12345;
  const auto next = [&random](uint32_t bound) {
    random = random * 1664525U + 1013904223U;
    return (random >> 8U) % bound;
  };
  for (int step = 0; step < 2000; ++step) {
    const size_t which = next(kTimers);
    if (next(4) == 0) {
      timers[which]->Disarm();
      due[which] = -1;
    } else {
      due[which] = loop.now_ns() + next(1000);
      timers[which]->Arm(due[which]);
    }
    if (next(8) != 0) continue;
    clock.AdvanceNanos(next(200));
    const int64_t now = clock.MonotonicNanos();
    fired.clear();
    loop.RunOnce(0);
    EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end(),
                               [&](size_t a, size_t b) { return due[a] < due[b]; }));
    for (const size_t i : fired) {
      ASSERT_TRUE(due[i] >= 0 && due[i] <= now);
      due[i] = -1;
    }
    for (size_t i = 0; i < kTimers; ++i) {
      ASSERT_EQ(timers[i]->armed(), due[i] >= 0);
      ASSERT_TRUE(due[i] < 0 || due[i] > now) << "a due timer was left";
    }
  }
}

TEST_F(EventLoopTest, ATurnIsEventsThenTasksThenTimersThenHooks) {
  std::string order;
  const Pipe pipe;
  Recorder recorder([&] { order += 'e'; });
  Timer timer(loop, [&] { order += 't'; });
  loop.AddTurnHook([&] { order += '1'; });
  loop.AddTurnHook([&] { order += '2'; });
  ASSERT_TRUE(loop.Add(pipe.out.get(), EPOLLIN, &recorder).ok());
  timer.ArmIn(0);
  loop.Post([&] { order += 'p'; });
  pipe.Fill();
  loop.RunOnce(-1);
  EXPECT_EQ(order, "ept12");
  loop.Remove(pipe.out.get());
}

TEST_F(EventLoopTest, TheTimeStandsStillDuringATurn) {
  loop.RunOnce(0);
  const int64_t now = loop.now_ns();
  loop.Post([&] {
    clock.AdvanceMillis(5);
    EXPECT_EQ(loop.now_ns(), now);
  });
  loop.RunOnce(0);
  loop.RunOnce(0);
  EXPECT_EQ(loop.now_ns(), now + 5 * base::kNanosPerMilli);
}

TEST_F(EventLoopTest, APostedTaskMayPost) {
  int ran = 0;
  loop.Post([&] {
    ++ran;
    loop.Post([&] { ++ran; });
  });
  loop.RunOnce(-1);
  EXPECT_EQ(ran, 1);
  loop.RunOnce(-1);
  EXPECT_EQ(ran, 2);
}

// No task is lost or run twice, and the tasks of one thread keep their order.
TEST_F(EventLoopTest, PostFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  std::array<int, kThreads> seen{};
  bool ordered = true;
  std::thread runner([&] { loop.Run(); });
  std::vector<std::thread> posters;
  for (size_t t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop.Post([&seen, &ordered, t, i] {
          ordered = ordered && seen[t] == i;
          ++seen[t];
        });
      }
    });
  }
  for (auto& poster : posters) poster.join();
  loop.Post([&] { loop.Stop(); });
  runner.join();
  EXPECT_TRUE(ordered);
  for (const int count : seen) EXPECT_EQ(count, kTasks);
}

TEST_F(EventLoopTest, StopEndsASleepingLoop) {
  std::atomic<bool> started{false};
  std::thread runner([&] {
    EXPECT_TRUE(loop.InLoopThread());
    started.store(true);
    loop.Run();
  });
  while (!started.load()) std::this_thread::yield();
  loop.Stop();
  runner.join();
}

TEST_F(EventLoopTest, AnotherThreadMayNotTouchIt) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        loop.RunOnce(0);
        std::thread([this] { loop.Remove(0); }).join();
      },
      "assertion failed");
}

}  // namespace
}  // namespace tollgate::net

#include "tollgate/net/waiter_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "tollgate/base/clock.h"
#include "tollgate/base/mpmc_ring.h"

namespace tollgate::net {
namespace {

constexpr int64_t kGatherNs = 20'000;

bool Yes() { return true; }
bool No() { return false; }
// Its queue is empty when it goes to sleep.
const WaiterList::Consumer kIdle{.could_take = Yes, .queue_has = No};

TEST(WaiterList, AConsumerWithWorkDoesNotSleep) {
  base::ManualClock clock;
  EventLoop loop(clock);
  WaiterList waiters(kGatherNs);
  bool work = true;
  WaiterList::Waiter& waiter =
      waiters.AddWaiter(loop, {.could_take = Yes, .queue_has = [&] { return work; }});
  EXPECT_FALSE(waiter.PrepareSleep());
  work = false;
  EXPECT_TRUE(waiter.PrepareSleep());
  waiter.AfterSleep();
}

// Without a wake-up the wait ends by the timer; with one, before it.
void ExpectNotWoken(EventLoop& loop) {
  bool due = false;
  Timer timer(loop, [&due] { due = true; });
  timer.Arm(loop.clock().MonotonicNanos() + 5 * base::kNanosPerMilli);
  loop.RunOnce(-1);
  EXPECT_TRUE(due) << "woken without need";
}

TEST(WaiterList, NotifyWakesOneSleeperAndOnlyIfOneSleeps) {
  base::SystemClock clock;
  EventLoop loop_a(clock);
  EventLoop loop_b(clock);
  WaiterList waiters(kGatherNs);
  WaiterList::Waiter& a = waiters.AddWaiter(loop_a, kIdle);
  WaiterList::Waiter& b = waiters.AddWaiter(loop_b, kIdle);
  waiters.Notify(clock.MonotonicNanos());
  ExpectNotWoken(loop_a);
  ExpectNotWoken(loop_b);
  ASSERT_TRUE(b.PrepareSleep());
  waiters.Notify(clock.MonotonicNanos());
  loop_b.RunOnce(-1);  // hangs if it is not woken
  b.AfterSleep();
  ASSERT_TRUE(a.PrepareSleep());
  ASSERT_TRUE(b.PrepareSleep());
  waiters.Notify(clock.MonotonicNanos());
  loop_a.RunOnce(-1);
  ExpectNotWoken(loop_b);
  a.AfterSleep();
  waiters.Notify(clock.MonotonicNanos());
  loop_b.RunOnce(-1);
  b.AfterSleep();
}

TEST(WaiterList, TheWokenOneSleepsALittleLongerAndIsToldOnce) {
  constexpr int64_t kLongNs = 5 * base::kNanosPerMilli;
  base::SystemClock clock;
  EventLoop loop(clock);
  WaiterList waiters(kLongNs);
  WaiterList::Waiter& waiter = waiters.AddWaiter(loop, kIdle);
  ASSERT_TRUE(waiter.PrepareSleep());
  const int64_t began_ns = clock.MonotonicNanos();
  waiters.Notify(clock.MonotonicNanos());
  waiters.Notify(clock.MonotonicNanos());  // it is waking: if the timer began again, a stream could
                                           // delay it for ever
  loop.RunOnce(-1);
  waiter.AfterSleep();
  EXPECT_GE(clock.MonotonicNanos() - began_ns, kLongNs);
  ExpectNotWoken(loop);
}

TEST(WaiterList, WhatKeepsComingAloneWakesAWaiterWithoutLingering) {
  constexpr int64_t kLongNs = 50 * base::kNanosPerMilli;
  base::SystemClock clock;
  EventLoop loop(clock);
  WaiterList waiters(kLongNs);
  WaiterList::Waiter& waiter = waiters.AddWaiter(loop, kIdle);
  int64_t now_ns = 0;
  // Wakes the waiter for each of `count` arrivals, a second apart.
  const auto time_of = [&](int count) {
    const int64_t began_ns = clock.MonotonicNanos();
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(waiter.PrepareSleep());
      waiters.Notify(now_ns += base::kNanosPerSecond);
      loop.RunOnce(-1);
      waiter.AfterSleep();
    }
    return clock.MonotonicNanos() - began_ns;
  };
  EXPECT_GE(time_of(2), 2 * kLongNs) << "at first company is expected";
  time_of(10);
  // The quickest of many, for the machine may be busy.
  int64_t least_ns = kLongNs;
  for (int i = 0; i < 20; ++i) least_ns = std::min(least_ns, time_of(1));
  EXPECT_LT(least_ns, kLongNs / 2);
}

class TwoSleepers : public ::testing::Test {
 protected:
  WaiterList::Consumer One(bool& able) {
    return {.could_take = [&able] { return able; }, .queue_has = [this] { return queue_has_; }};
  }
  // It has gone to sleep, and is woken; hangs if it is not.
  static void ExpectWoken(EventLoop& loop, WaiterList::Waiter& waiter) {
    loop.RunOnce(-1);
    waiter.AfterSleep();
  }

  base::SystemClock clock_;
  EventLoop loop_a_{clock_};
  EventLoop loop_b_{clock_};
  WaiterList waiters_{kGatherNs};
  bool queue_has_ = false;
  bool able_a_ = true;
  bool able_b_ = true;
  WaiterList::Waiter& a_ = waiters_.AddWaiter(loop_a_, One(able_a_));
  WaiterList::Waiter& b_ = waiters_.AddWaiter(loop_b_, One(able_b_));
};

TEST_F(TwoSleepers, TheOneThatCouldTakeIsWokenAndNotTheFirst) {
  able_a_ = false;
  ASSERT_TRUE(a_.PrepareSleep());
  ASSERT_TRUE(b_.PrepareSleep());
  queue_has_ = true;
  waiters_.Notify(clock_.MonotonicNanos());
  ExpectWoken(loop_b_, b_);
  ExpectNotWoken(loop_a_);
}

TEST_F(TwoSleepers, OneThatBecameUnableToTakeHandsTheWakeUpOn) {
  ASSERT_TRUE(a_.PrepareSleep());
  ASSERT_TRUE(b_.PrepareSleep());
  queue_has_ = true;
  waiters_.Notify(clock_.MonotonicNanos());
  able_a_ = false;
  ExpectWoken(loop_a_, a_);
  EXPECT_TRUE(a_.PrepareSleep());
  ExpectWoken(loop_b_, b_);
  EXPECT_FALSE(b_.PrepareSleep()) << "there is something to take";
}

TEST_F(TwoSleepers, WhatOneLeavesIsTheOthers) {
  able_a_ = false;
  ASSERT_TRUE(b_.PrepareSleep());
  queue_has_ = true;  // a took some, all its places are taken, and nothing more comes
  EXPECT_TRUE(a_.PrepareSleep());
  ExpectWoken(loop_b_, b_);
}

TEST_F(TwoSleepers, TwoThatCannotTakeDoNotKeepEachOtherAwake) {
  able_a_ = able_b_ = false;
  ASSERT_TRUE(a_.PrepareSleep());
  ASSERT_TRUE(b_.PrepareSleep());
  queue_has_ = true;
  waiters_.Notify(
      clock_.MonotonicNanos());  // time may have made a consumer able to take: it checks once
  ExpectWoken(loop_a_, a_);
  EXPECT_TRUE(a_.PrepareSleep());
  ExpectNotWoken(loop_b_);
  ExpectNotWoken(loop_a_);
}

TEST_F(TwoSleepers, WhileOneGathersTheOtherSleeps) {
  ASSERT_TRUE(a_.PrepareSleep());
  ASSERT_TRUE(b_.PrepareSleep());
  queue_has_ = true;
  waiters_.Notify(clock_.MonotonicNanos());
  waiters_.Notify(clock_.MonotonicNanos());
  ExpectWoken(loop_a_, a_);
  ExpectNotWoken(loop_b_);
  waiters_.Notify(clock_.MonotonicNanos());  // a is at work
  ExpectWoken(loop_b_, b_);
}

// Producers push and notify, consumers sleep without any time-out. One lost wake-up hangs the test,
// so it passes only if every item is consumed.
TEST(WaiterList, NoWakeUpIsLost) {
  constexpr size_t kConsumers = 2;
  constexpr size_t kProducers = 2;
  constexpr uint64_t kItems = 20'000;  // of each producer
  base::SystemClock clock;
  base::MpmcRing<uint64_t> ring(1024);
  WaiterList waiters(kGatherNs);
  std::array<std::unique_ptr<EventLoop>, kConsumers> loops;
  std::atomic<uint64_t> consumed{0};
  std::atomic<uint64_t> sum{0};
  for (auto& loop : loops) {
    loop = std::make_unique<EventLoop>(clock);
    loop->SetSleepGuard(&waiters.AddWaiter(
        *loop, {.could_take = Yes, .queue_has = [&ring] {
                  const bool work = ring.SizeApprox() > 0;
                  std::this_thread::yield();  // what happens after the check must not be missed
                  return work;
                }}));
    // One item per turn, so that the consumers sleep and wake as often as possible.
    loop->AddTurnHook([&] {
      const auto item = ring.TryPop();
      if (!item) return;
      sum.fetch_add(*item, std::memory_order_relaxed);
      consumed.fetch_add(1, std::memory_order_release);  // partner: the waiting loop below
    });
  }
  std::vector<std::thread> consumers;
  for (auto& loop : loops) consumers.emplace_back([&loop] { loop->Run(); });
  std::vector<std::thread> producers;
  for (uint64_t p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (uint64_t i = 0; i < kItems; ++i) {
        while (!ring.TryPush(p * kItems + i)) std::this_thread::yield();
        waiters.Notify(clock.MonotonicNanos());
        // At intervals lets the consumers fall asleep, with nothing to wake them.
        if (i % 2 == 0) {
          while (ring.SizeApprox() > 0) std::this_thread::yield();
        }
      }
    });
  }
  for (auto& producer : producers) producer.join();
  constexpr uint64_t kAll = kProducers * kItems;
  while (consumed.load(std::memory_order_acquire) < kAll) std::this_thread::yield();
  for (auto& loop : loops) loop->Stop();
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(sum.load(), kAll * (kAll - 1) / 2);
}

}  // namespace
}  // namespace tollgate::net

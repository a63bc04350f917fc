#include "tollgate/base/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "tollgate/base/clock.h"

namespace tollgate::base {
namespace {

bool KernelHasSlices() {
  utsname name{};
  int major = 0;
  int minor = 0;
  return ::uname(&name) == 0 && std::sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 12));
}

int Nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

TEST(TimeSlice, IsShorterAndNothingElseChanges) {
  std::thread([] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 5), 0);
    const Status asked = SetTimeSlice(kTimeSliceMinNs);
    ASSERT_TRUE(asked.ok()) << asked.error().message;
    EXPECT_EQ(Nice(), 5);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
    if (KernelHasSlices()) {
      EXPECT_EQ(TimeSliceNs(), kTimeSliceMinNs);
    }
  }).join();
}

TEST(TimeSlice, AnotherPolicyIsLeftAlone) {
  std::thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    const Status asked = SetTimeSlice(kTimeSliceMinNs);
    ASSERT_TRUE(asked.ok()) << asked.error().message;
    EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
  }).join();
}

int64_t Now() { return SystemClock().MonotonicNanos(); }
int Policy() { return ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }

// Turns of `busy_ns` of work and `idle_ns` of sleep until the boost is held, or is not; at most 10
// s, because other tests use the CPUs too.
void TurnUntil(RealtimeBoost& boost, bool held, int64_t busy_ns, int64_t idle_ns) {
  const int64_t end = Now() + 10 * kNanosPerSecond;
  while (boost.held() != held && Now() < end) {
    for (const int64_t begun = Now(); Now() - begun < busy_ns;) continue;
    if (idle_ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(idle_ns));
    const Status turned = boost.OnTurn(Now());
    ASSERT_TRUE(turned.ok()) << turned.error().message;
  }
  EXPECT_EQ(boost.held(), held);
}

// Threads that use all the CPU time they get, as busy workers do.
class Busy {
 public:
  Busy() {
    for (std::thread& thread : threads_) {
      thread = std::thread([this] {
        while (!stop_.load(std::memory_order_relaxed)) continue;
      });
    }
  }
  ~Busy() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::array<std::thread, 2> threads_;
};

class PrecedenceTest : public ::testing::Test {
 protected:
  // On its own thread, so that nothing remains.
  template <typename Body>
  void OnThread(Body body) {
    bool allowed = true;
    std::thread([&] {
      ASSERT_TRUE(SetTimeSlice(kTimeSliceMinNs).ok());
      RealtimeBoost boost;
      allowed = boost.Begin(Now()).ok();
      EXPECT_FALSE(boost.held());
      EXPECT_EQ(Policy(), SCHED_OTHER);
      if (allowed) body(boost);
    }).join();
    if (!allowed) GTEST_SKIP() << "needs root, CAP_SYS_NICE or RLIMIT_RTPRIO";
  }
};

TEST_F(PrecedenceTest, IsForAThreadThatNeedsLittleWhileOthersNeedMuch) {
  OnThread([](RealtimeBoost& boost) {
    const Busy others;
    TurnUntil(boost, true, 100'000, 2'000'000);
    EXPECT_EQ(Policy(), SCHED_RR);
    const int64_t held_ns = Now();  // before the boost is given up, however late this thread runs
    TurnUntil(boost, false, 1'000'000, 0);
    EXPECT_EQ(Policy(), SCHED_OTHER);
    if (KernelHasSlices()) {
      EXPECT_EQ(TimeSliceNs(), kTimeSliceMinNs) << "as it was";
    }
    TurnUntil(boost, true, 100'000, 2'000'000);
    EXPECT_EQ(Policy(), SCHED_RR);
    EXPECT_GE(Now() - held_ns, RealtimeBoost::kRestNs) << "or it had it half of the time";
  });
}

TEST_F(PrecedenceTest, EndsWhenTheOthersAreDone) {
  OnThread([](RealtimeBoost& boost) {
    {
      const Busy others;
      TurnUntil(boost, true, 100'000, 2'000'000);
    }
    TurnUntil(boost, false, 100'000, 2'000'000);
    EXPECT_EQ(Policy(), SCHED_OTHER);
    for (int i = 0; i < 10; ++i) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(RealtimeBoost::kLookNs));
      ASSERT_TRUE(boost.OnTurn(Now() + RealtimeBoost::kRestNs).ok());
      EXPECT_FALSE(boost.held()) << "nobody is in its way";
    }
  });
}

TEST_F(PrecedenceTest, IsNotInherited) {
  OnThread([](RealtimeBoost& boost) {
    const Busy others;
    TurnUntil(boost, true, 100'000, 2'000'000);
    std::thread([] { EXPECT_EQ(Policy(), SCHED_OTHER); }).join();
  });
}

TEST_F(PrecedenceTest, AnotherPolicyIsLeftAlone) {
  std::thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &none), 0);
    RealtimeBoost boost;
    ASSERT_TRUE(boost.Begin(Now()).ok());
    EXPECT_FALSE(boost.held());
    ASSERT_TRUE(boost.OnTurn(Now() + 2 * RealtimeBoost::kLookNs).ok());
    EXPECT_EQ(Policy(), SCHED_BATCH);
  }).join();
}

}  // namespace
}  // namespace tollgate::base

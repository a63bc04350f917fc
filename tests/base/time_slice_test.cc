#include "tollgate/base/time_slice.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

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
    const Status asked = AskForTimeSlice(kTimeSliceMinNs);
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
    const Status asked = AskForTimeSlice(kTimeSliceMinNs);
    ASSERT_TRUE(asked.ok()) << asked.error().message;
    EXPECT_EQ(::sched_getscheduler(0), SCHED_BATCH);
  }).join();
}

}  // namespace
}  // namespace tollgate::base

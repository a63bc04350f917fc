#include "tollgate/base/scheduling.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "tollgate/base/clock.h"

namespace tollgate::base {
namespace {

constexpr uint64_t kResetOnFork = 0x01;  // SCHED_FLAG_RESET_ON_FORK

// struct sched_attr as of Linux 5.3; glibc 2.36 has neither it nor the calls.
struct SchedAttr {
  uint32_t size = sizeof(SchedAttr);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
  uint32_t util_min = 0;
  uint32_t util_max = 0;
};

bool Read(SchedAttr& attr) { return ::syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0; }

Status Write(SchedAttr attr) {
  if (::syscall(SYS_sched_setattr, 0, &attr, 0) != 0) return ErrnoError("sched_setattr");
  return OkStatus();
}

int64_t ThreadCpuNs() {
  timespec spent{};
  TG_ASSERT(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) == 0);
  return spent.tv_sec * kNanosPerSecond + spent.tv_nsec;
}

}  // namespace

Status AskForTimeSlice(int64_t slice_ns) {
  SchedAttr attr;
  if (!Read(attr)) return ErrnoError("sched_getattr");
  if (attr.policy != SCHED_OTHER) return OkStatus();
  attr.runtime_ns = static_cast<uint64_t>(slice_ns);
  return Write(attr);
}

int64_t TimeSliceNs() {
  SchedAttr attr;
  return Read(attr) ? static_cast<int64_t>(attr.runtime_ns) : 0;
}

Status Precedence::Begin(int64_t now_ns) {
  SchedAttr attr;
  if (!Read(attr)) return ErrnoError("sched_getattr");
  // Whoever gave it another policy knows better.
  if (attr.policy != SCHED_OTHER) return OkStatus();
  slice_ns_ = static_cast<int64_t>(attr.runtime_ns);
  const Status set = Set(true);
  begun_ = set.ok();
  looked_ns_ = now_ns;
  cpu_ns_ = ThreadCpuNs();
  return set;
}

Status Precedence::Set(bool held) {
  SchedAttr attr;  // with the nice value as it is
  if (!Read(attr)) return ErrnoError("sched_getattr");
  attr.policy = held ? SCHED_RR : SCHED_OTHER;
  attr.priority = held ? 1 : 0;
  attr.flags = kResetOnFork;
  attr.runtime_ns = held ? 0 : static_cast<uint64_t>(slice_ns_);
  const Status written = Write(attr);
  if (written.ok()) held_ = held;
  return written;
}

Status Precedence::OnTurn(int64_t now_ns) {
  if (!begun_ || now_ns - looked_ns_ < kLookNs) return OkStatus();
  const int64_t cpu_ns = ThreadCpuNs();
  const int64_t spent_ns = cpu_ns - cpu_ns_;
  const int64_t passed_ns = now_ns - looked_ns_;
  cpu_ns_ = cpu_ns;
  looked_ns_ = now_ns;
  // That it gets little may be for want of a CPU: so it is not enough to have it again at once.
  const bool change =
      held_ ? spent_ns > passed_ns / 2 : spent_ns < passed_ns / 4 && now_ns - set_ns_ >= kRestNs;
  if (!change) return OkStatus();
  set_ns_ = now_ns;
  const Status set = Set(!held_);
  begun_ = set.ok();
  return set;
}

}  // namespace tollgate::base

#include "tollgate/base/time_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tollgate::base {
namespace {

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

}  // namespace

Status AskForTimeSlice(int64_t slice_ns) {
  SchedAttr attr;
  if (!Read(attr)) return ErrnoError("sched_getattr");
  if (attr.policy != SCHED_OTHER) return OkStatus();
  attr.runtime_ns = static_cast<uint64_t>(slice_ns);
  if (::syscall(SYS_sched_setattr, 0, &attr, 0) != 0) return ErrnoError("sched_setattr");
  return OkStatus();
}

int64_t TimeSliceNs() {
  SchedAttr attr;
  return Read(attr) ? static_cast<int64_t>(attr.runtime_ns) : 0;
}

}  // namespace tollgate::base

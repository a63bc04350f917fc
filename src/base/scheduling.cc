#include "tollgate/base/scheduling.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "tollgate/base/clock.h"

namespace tollgate::base {
namespace {

constexpr uint64_t kResetOnFork = 0x01;  // SCHED_FLAG_RESET_ON_FORK

// struct sched_attr as of Linux 5.3. glibc 2.36 has neither the struct nor the calls.
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

int64_t CpuNs(clockid_t clock) {
  timespec spent{};
  TG_CHECK(::clock_gettime(clock, &spent) == 0);
  return spent.tv_sec * kNanosPerSecond + spent.tv_nsec;
}

}  // namespace

Status SetTimeSlice(int64_t slice_ns) {
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

Status RealtimeBoost::Begin(int64_t now_ns) {
  SchedAttr attr;
  if (!Read(attr)) return ErrnoError("sched_getattr");
  // Another policy was set on purpose and stays.
  if (attr.policy != SCHED_OTHER) return OkStatus();
  slice_ns_ = static_cast<int64_t>(attr.runtime_ns);
  Status allowed = Set(true);
  if (allowed.ok()) allowed = Set(false);
  begun_ = allowed.ok();
  looked_ns_ = now_ns;
  own_ns_ = CpuNs(CLOCK_THREAD_CPUTIME_ID);
  process_ns_ = CpuNs(CLOCK_PROCESS_CPUTIME_ID);
  return allowed;
}

Status RealtimeBoost::Set(bool held) {
  SchedAttr attr;  // keeps the nice value
  if (!Read(attr)) return ErrnoError("sched_getattr");
  attr.policy = held ? SCHED_RR : SCHED_OTHER;
  attr.priority = held ? 1 : 0;
  attr.flags = kResetOnFork;
  attr.runtime_ns = held ? 0 : static_cast<uint64_t>(slice_ns_);
  Status written = Write(attr);
  if (written.ok()) held_ = held;
  return written;
}

// Each condition has two thresholds (hysteresis), so that the boost does not flap.
bool RealtimeBoost::Wanted(int64_t own_ns, int64_t others_ns, int64_t passed_ns) const {
  if (held_) return own_ns <= passed_ns / 2 && others_ns >= passed_ns / 10;
  return own_ns < passed_ns / 4 && others_ns > passed_ns / 4;
}

Status RealtimeBoost::OnTurn(int64_t now_ns) {
  if (!begun_ || now_ns - looked_ns_ < kLookNs) return OkStatus();
  const int64_t own_ns = CpuNs(CLOCK_THREAD_CPUTIME_ID);
  const int64_t process_ns = CpuNs(CLOCK_PROCESS_CPUTIME_ID);
  const int64_t own_spent_ns = own_ns - own_ns_;
  const int64_t others_spent_ns = process_ns - process_ns_ - own_spent_ns;
  const bool wanted = Wanted(own_spent_ns, others_spent_ns, now_ns - looked_ns_);
  own_ns_ = own_ns;
  process_ns_ = process_ns;
  looked_ns_ = now_ns;
  // A low share of CPU time may only mean that the thread is starved, so it waits for kRestNs.
  if (wanted == held_ || (wanted && now_ns - set_ns_ < kRestNs)) return OkStatus();
  set_ns_ = now_ns;
  Status set = Set(wanted);
  begun_ = set.ok();
  return set;
}

}  // namespace tollgate::base

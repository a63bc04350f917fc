// How soon the scheduler runs a thread that wakes up on a busy CPU.
//
// Thread: any. Each function acts on the calling thread.
#pragma once

#include <cstdint>

#include "tollgate/base/result.h"

namespace tollgate::base {

// The shortest slice that the kernel grants.
inline constexpr int64_t kTimeSliceMinNs = 100'000;

// Sets the thread's time slice in ns. The scheduler considers other threads when the slice is over.
// Since Linux 6.12 a thread of the normal policy may ask for its own slice (EEVDF, sched_setattr(2)
// sched_runtime). A shorter slice does not give the thread more CPU time. But when it wakes on a
// busy CPU, it mostly runs at once instead of after the running thread's slice of some 3 ms. No
// privilege is needed. Policy and nice value do not change. With another policy, or on an older
// kernel, nothing happens. The error carries errno.
Status SetTimeSlice(int64_t slice_ns);

// The slice of the calling thread in ns. 0: the kernel does not report it.
int64_t TimeSliceNs();

// RealtimeBoost: the lowest real-time priority (sched(7), SCHED_RR) for a thread that needs little
// CPU time while the other threads of its process need much. It then preempts them when it wakes.
// It is held only while the others are busy. On an idle machine it would only preempt the clients.
// If the thread itself needs more than half of a CPU, it goes without the boost for kRestNs, so it
// delays others for at most a tenth of the time. Threads that it starts do not inherit the boost. A
// container's CPU limit does not bind a boosted thread (cgroups(7)). Do not allow the boost where
// that limit matters.
//
// Thread: one, the same in all calls.
class RealtimeBoost {
 public:
  // Fails where the system does not allow it: it needs root, CAP_SYS_NICE or RLIMIT_RTPRIO.
  Status Begin(int64_t now_ns);
  // Call it once per turn of the loop. It checks the CPU times every kLookNs. After an error, which
  // carries errno, it changes nothing any more.
  Status OnTurn(int64_t now_ns);
  bool held() const { return held_; }

  static constexpr int64_t kLookNs = 20'000'000;
  static constexpr int64_t kRestNs = 200'000'000;  // the least time without the boost

 private:
  Status Set(bool held);
  bool Wanted(int64_t own_ns, int64_t others_ns, int64_t passed_ns) const;

  bool begun_ = false;
  bool held_ = false;
  int64_t set_ns_ = 0;
  int64_t looked_ns_ = 0;
  int64_t own_ns_ = 0;      // CPU time of the thread at the last check
  int64_t process_ns_ = 0;  // CPU time of all threads at the last check
  int64_t slice_ns_ = 0;
};

}  // namespace tollgate::base

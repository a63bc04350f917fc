// How soon a thread that wakes is let onto a CPU on which others run.
//
// Thread: any; all of this is about the calling one.
#pragma once

#include <cstdint>

#include "tollgate/base/result.h"

namespace tollgate::base {

// The shortest slice that the kernel grants.
inline constexpr int64_t kTimeSliceMinNs = 100'000;

// How long it may run before the scheduler looks whether another one should. Since Linux 6.12 a
// thread of the normal policy may ask for a slice of its own (EEVDF, sched_setattr(2)
// sched_runtime): with a shorter one it gets no more of a CPU, but is mostly let onto a busy one
// at once when it wakes, instead of when the slice of whoever runs there is over, some 3 ms. No
// privilege is needed. Keeps its policy and nice value; of another policy than the normal one, and
// on a kernel that knows nothing of this, nothing happens. The error carries errno.
Status SetTimeSlice(int64_t slice_ns);

// What is in force for the calling thread, in ns; 0: the kernel does not say.
int64_t TimeSliceNs();

// RealtimeBoost: real-time priority, the lowest there is (sched(7), SCHED_RR), for a thread that
// needs little, while the other threads of its process need much: whoever runs makes way when it
// wakes. At other times it is as it was: on a machine with time to spare a thread that breaks in on
// those that send to it only does them harm. If it needs more than half of a CPU itself it goes
// without for a while, so that it keeps others from their work for a tenth of the time at most.
// Threads that it starts do not inherit it. A limit of CPU time that a container has does not bind
// it meanwhile (cgroups(7)): nobody should allow this there who counts on the limit.
//
// Thread: one, the same in all calls.
class RealtimeBoost {
 public:
  // Fails where the system does not allow it: it needs root, CAP_SYS_NICE or RLIMIT_RTPRIO.
  Status Begin(int64_t now_ns);
  // To be called often; looks at the CPU times now and then. After an error, which carries errno,
  // nothing changes any more.
  Status OnTurn(int64_t now_ns);
  bool held() const { return held_; }

  static constexpr int64_t kLookNs = 20'000'000;
  static constexpr int64_t kRestNs = 200'000'000;  // without it, at least

 private:
  Status Set(bool held);
  bool Wanted(int64_t own_ns, int64_t others_ns, int64_t passed_ns) const;

  bool begun_ = false;
  bool held_ = false;
  int64_t set_ns_ = 0;
  int64_t looked_ns_ = 0;
  int64_t own_ns_ = 0;      // CPU time of the thread, then
  int64_t process_ns_ = 0;  // of all threads
  int64_t slice_ns_ = 0;
};

}  // namespace tollgate::base

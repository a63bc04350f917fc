// How long a thread may run before the scheduler looks whether another one should. Since Linux 6.12
// a thread of the normal policy may ask for a slice of its own (EEVDF, sched_setattr(2)
// sched_runtime): with a shorter one it gets no more of a CPU, but is let onto a busy one at once
// when it wakes, instead of when the slice of whoever runs there is over, some 3 ms. No privilege
// is needed.
//
// Thread: any; it is about the calling one.
#pragma once

#include <cstdint>

#include "tollgate/base/result.h"

namespace tollgate::base {

// The shortest that the kernel grants.
inline constexpr int64_t kTimeSliceMinNs = 100'000;

// For the calling thread. Keeps its policy and nice value; of another policy than the normal one,
// and on a kernel that knows nothing of this, nothing happens. The error carries errno.
Status AskForTimeSlice(int64_t slice_ns);

// What is in force for the calling thread, in ns; 0: the kernel does not say.
int64_t TimeSliceNs();

}  // namespace tollgate::base

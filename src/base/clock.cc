#include "tollgate/base/clock.h"

#include <ctime>

namespace tollgate::base {

int64_t SystemClock::WallMillis() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / kNanosPerMilli;
}

int64_t SystemClock::MonotonicNanos() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanosPerSecond + now.tv_nsec;
}

}  // namespace tollgate::base

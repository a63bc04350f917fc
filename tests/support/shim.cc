// A library that a test loads into a gateway with LD_PRELOAD, for faults of a process' environment
// that a test cannot cause in another way:
//   TOLLGATE_SHIM_CLOCK_MS=<ms>      the wall clock is wrong by <ms>
//   TOLLGATE_SHIM_SYNC_FAILS=<path>  fdatasync fails with ENOSPC while that file exists
// The shipped binary knows neither of them.
//
// Thread: any; it only reads the environment.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace {

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

long long SkewMs() {
  static const char* const text = std::getenv("TOLLGATE_SHIM_CLOCK_MS");
  return text == nullptr ? 0 : std::strtoll(text, nullptr, 10);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto next = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = next(clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    static const long long skew_ms = SkewMs();
    long long ns = now->tv_nsec + skew_ms % 1000 * 1'000'000;
    now->tv_sec += skew_ms / 1000;
    if (ns < 0) {
      ns += 1'000'000'000;
      --now->tv_sec;
    } else if (ns >= 1'000'000'000) {
      ns -= 1'000'000'000;
      ++now->tv_sec;
    }
    now->tv_nsec = ns;
  }
  return result;
}

extern "C" int fdatasync(int fd) {
  static const auto next = Next<int (*)(int)>("fdatasync");
  static const char* const path = std::getenv("TOLLGATE_SHIM_SYNC_FAILS");
  if (path != nullptr && access(path, F_OK) == 0) {
    errno = ENOSPC;
    return -1;
  }
  return next(fd);
}

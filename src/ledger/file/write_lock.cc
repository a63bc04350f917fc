#include "ledger/file/write_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tollgate/base/clock.h"

namespace tollgate::ledger::file {
namespace {

constexpr int64_t kTurnstile = 0;
constexpr int64_t kLock = 1;
// A holder keeps the lock for milliseconds. Polling can be ended, which F_OFD_SETLKW cannot.
constexpr std::chrono::microseconds kPauseMin{50};
constexpr std::chrono::microseconds kPauseMax{400};

bool Set(int fd, short type, int64_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  // A kernel without these locks leaves the file to SQLite's own.
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0 || errno == EINVAL;
}

}  // namespace

base::Status WriteLock::Open(const std::string& path) {
  if (fd_.valid()) return base::OkStatus();
  constexpr mode_t kOwnUserOnly = 0600;
  fd_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnUserOnly));
  if (!fd_.valid()) return base::ErrnoError("the lock file " + path + " cannot be opened");
  return base::OkStatus();
}

bool WriteLock::Wait(int64_t byte, int64_t end_ns, const std::function<bool()>& stopped) {
  const base::SystemClock clock;
  auto pause = kPauseMin;
  while (!Set(fd_.get(), F_WRLCK, byte)) {
    if (stopped() || clock.MonotonicNanos() >= end_ns) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kPauseMax);
  }
  return true;
}

bool WriteLock::Acquire(int64_t patience_ms, const std::function<bool()>& stopped) {
  const int64_t end_ns = base::SystemClock().MonotonicNanos() + patience_ms * base::kNanosPerMilli;
  if (!Wait(kTurnstile, end_ns, stopped)) return false;
  const bool locked = Wait(kLock, end_ns, stopped);
  Set(fd_.get(), F_UNLCK, kTurnstile);
  return locked;
}

void WriteLock::Release() { Set(fd_.get(), F_UNLCK, kLock); }

}  // namespace tollgate::ledger::file

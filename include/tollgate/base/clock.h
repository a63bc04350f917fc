// Time as a dependency. Code takes a Clock so that tests advance time by hand and never sleep.
//
// Thread: SystemClock any. ManualClock any (its values are atomic).
#pragma once

#include <atomic>
#include <cstdint>

namespace tollgate::base {

inline constexpr int64_t kNanosPerMicro = 1'000;
inline constexpr int64_t kNanosPerMilli = 1'000'000;
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970-01-01T00:00:00Z. It may step when the host's time is set.
  virtual int64_t WallMillis() const = 0;
  // Nanoseconds since a fixed point. It never goes back. All deadlines are in this time.
  virtual int64_t MonotonicNanos() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t WallMillis() const override;
  int64_t MonotonicNanos() const override;
};

// A clock that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 1'752'583'000'000) : start_wall_ms_(wall_ms) {}
  int64_t WallMillis() const override {
    return start_wall_ms_ + skew_ms_.load() + nanos_.load() / kNanosPerMilli;
  }
  int64_t MonotonicNanos() const override { return nanos_.load(); }
  void AdvanceNanos(int64_t nanos) { nanos_.fetch_add(nanos); }
  void AdvanceMillis(int64_t ms) { AdvanceNanos(ms * kNanosPerMilli); }
  // Moves the wall clock alone, as a time daemon does.
  void StepWallMillis(int64_t ms) { skew_ms_.fetch_add(ms); }

 private:
  const int64_t start_wall_ms_;
  std::atomic<int64_t> skew_ms_{0};
  std::atomic<int64_t> nanos_{1};  // never 0, which many times take for "not yet"
};

}  // namespace tollgate::base

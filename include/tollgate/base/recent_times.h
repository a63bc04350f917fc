// RecentTimes: the last moments at which something happened, by the wall clock. It keeps at most
// kCount. Moments that are at most kSameMs apart count as one.
//
// Thread: any; no lock, no allocation.
// Invariants: a time that is not recent takes no place from one that is.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tollgate::base {

class RecentTimes {
 public:
  static constexpr size_t kCount = 32;
  static constexpr int64_t kSameMs = 10;
  static constexpr int64_t kOldMs = 600'000;
  static constexpr int64_t kAheadMs = 5'000;  // the clocks of hosts differ
  using Times = std::array<int64_t, kCount>;

  // Both are Unix milliseconds. A time that is not recent at `now_ms`, or is known, is ignored.
  void Note(int64_t at_ms, int64_t now_ms) {
    if (!IsRecent(at_ms, now_ms)) return;
    for (int tries = 0; tries < kTriesMax; ++tries) {
      std::atomic<int64_t>* oldest = nullptr;
      int64_t oldest_ms = 0;
      int64_t oldest_rank = at_ms;
      for (std::atomic<int64_t>& place : places_) {
        const int64_t here_ms = place.load(std::memory_order_relaxed);
        if (IsSame(here_ms, at_ms)) return;
        const int64_t rank = IsRecent(here_ms, now_ms) ? here_ms : 0;
        if (rank >= oldest_rank) continue;
        oldest = &place;
        oldest_ms = here_ms;
        oldest_rank = rank;
      }
      if (oldest == nullptr) return;  // all places have later times
      if (!oldest->compare_exchange_strong(oldest_ms, at_ms, std::memory_order_relaxed)) continue;
      changes_.fetch_add(1, std::memory_order_release);  // partner: changes
      return;
    }
  }

  // Raised with each time that is kept. Acquire: what was kept before is read after it.
  uint64_t changes() const { return changes_.load(std::memory_order_acquire); }  // partner: Note

  // Those within `within_ms` before `now_ms`, in no order, in the front of `times`.
  std::span<int64_t> Read(std::span<int64_t, kCount> times, int64_t now_ms,
                          int64_t within_ms = kOldMs) const {
    size_t count = 0;
    for (const std::atomic<int64_t>& place : places_) {
      const int64_t here_ms = place.load(std::memory_order_relaxed);
      if (!IsRecent(here_ms, now_ms) || here_ms <= now_ms - within_ms) continue;
      times[count++] = here_ms;
    }
    return times.first(count);
  }

 private:
  static constexpr int kTriesMax = 8;  // others take a place in between; one time may be lost
  static bool IsRecent(int64_t at_ms, int64_t now_ms) {
    return at_ms > now_ms - kOldMs && at_ms <= now_ms + kAheadMs;
  }
  // REQUIRES: `at_ms` is recent, so that nothing overflows.
  static bool IsSame(int64_t here_ms, int64_t at_ms) {
    return here_ms >= at_ms - kSameMs && here_ms <= at_ms + kSameMs;
  }

  std::array<std::atomic<int64_t>, kCount> places_{};
  std::atomic<uint64_t> changes_{0};
};

}  // namespace tollgate::base

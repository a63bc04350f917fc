// RestClock: the clock that measures the rest of a slot. It runs with the monotonic clock, but only
// while the books answer. So an outage does not shorten the time for which a slot can be replayed.
// After a loss it stands still for the length of a rest, because what is replayed then rests anew.
//
// Thread: any. Lock-free: no caller waits for another.
// Invariants: it never goes back; at most kAnswerGapMs of the time between two answers counts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::table {

class RestClock {
 public:
  // The books are asked twice a second, so working books answer more often than this.
  static constexpr uint64_t kAnswerGapMs = 1000;

  explicit RestClock(uint64_t rest_ms) : rest_ms_(rest_ms) {}

  // Milliseconds of counted time since the opening.
  uint64_t NowMs() const { return now_ms_.load(std::memory_order_relaxed); }

  // The books answered at `monotonic_ns`.
  void OnAnswer(int64_t monotonic_ns) {
    const int64_t last_ns = last_ns_.load(std::memory_order_relaxed);
    if (last_ns >= 0 && monotonic_ns - last_ns < base::kNanosPerMilli) return;
    // One thread at a time. A concurrent answer adds nothing to this one.
    if (busy_.test_and_set(std::memory_order_acquire)) return;  // partner: the clear below
    Advance(monotonic_ns);
    busy_.clear(std::memory_order_release);
  }

  // The books have lost something.
  void OnLoss() { void_ms_.store(rest_ms_, std::memory_order_relaxed); }

 private:
  void Advance(int64_t monotonic_ns) {
    const int64_t last_ns = last_ns_.load(std::memory_order_relaxed);
    if (last_ns < 0) return last_ns_.store(monotonic_ns, std::memory_order_relaxed);
    if (monotonic_ns - last_ns < base::kNanosPerMilli) return;
    const auto since_ms = static_cast<uint64_t>((monotonic_ns - last_ns) / base::kNanosPerMilli);
    const uint64_t counts_ms = std::min(since_ms, kAnswerGapMs);
    // A fraction of a millisecond counts next time.
    last_ns_.store(last_ns + static_cast<int64_t>(since_ms) * base::kNanosPerMilli,
                   std::memory_order_relaxed);
    uint64_t void_ms = void_ms_.load(std::memory_order_relaxed);
    const uint64_t spent_ms = std::min(void_ms, counts_ms);
    if (spent_ms != 0 &&
        !void_ms_.compare_exchange_strong(void_ms, void_ms - spent_ms, std::memory_order_relaxed)) {
      return;  // another loss came meanwhile
    }
    now_ms_.store(NowMs() + counts_ms - spent_ms, std::memory_order_relaxed);
  }

  // All relaxed: these are only times; the queues hand slots from thread to thread.
  const uint64_t rest_ms_;
  std::atomic<uint64_t> now_ms_{0};
  std::atomic<uint64_t> void_ms_{0};  // answered time that does not count yet
  std::atomic<int64_t> last_ns_{-1};  // monotonic; answers are counted up to here; -1: none yet
  std::atomic_flag busy_;             // guards changes of now_ms_ and last_ns_
};

}  // namespace tollgate::table

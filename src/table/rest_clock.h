// RestClock: the clock that the rest of a slot is measured by. It goes on with the monotonic clock,
// but only while the books answer: an outage takes nothing off the time for which a slot can tell
// again what the books may still lose. After a loss it stands still for as long as a rest, as what
// is told again then rests anew.
//
// Thread: any. Nobody waits for anybody.
// Invariants: it never goes back; of the time between two answers at most kAnswerGapMs counts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "tollgate/base/clock.h"

namespace tollgate::table {

class RestClock {
 public:
  // Books that are asked twice a second answer more often than that.
  static constexpr uint64_t kAnswerGapMs = 1000;

  explicit RestClock(uint64_t rest_ms) : rest_ms_(rest_ms) {}

  // Milliseconds since the opening that count.
  uint64_t NowMs() const { return now_ms_.load(std::memory_order_relaxed); }

  // The books have answered. `monotonic_ns`: when.
  void OnAnswer(int64_t monotonic_ns) {
    const int64_t last_ns = last_ns_.load(std::memory_order_relaxed);
    if (last_ns >= 0 && monotonic_ns - last_ns < base::kNanosPerMilli) return;
    // One thread at a time; another one's answer of this moment tells nothing that ours does not.
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
    // What is less than a millisecond counts next time.
    last_ns_.store(last_ns + static_cast<int64_t>(since_ms) * base::kNanosPerMilli,
                   std::memory_order_relaxed);
    uint64_t void_ms = void_ms_.load(std::memory_order_relaxed);
    const uint64_t spent_ms = std::min(void_ms, counts_ms);
    if (spent_ms != 0 &&
        !void_ms_.compare_exchange_strong(void_ms, void_ms - spent_ms, std::memory_order_relaxed)) {
      return;  // another loss meanwhile
    }
    now_ms_.store(NowMs() + counts_ms - spent_ms, std::memory_order_relaxed);
  }

  // Relaxed, all of them: only times, and slots are handed on by their queues.
  const uint64_t rest_ms_;
  std::atomic<uint64_t> now_ms_{0};
  std::atomic<uint64_t> void_ms_{0};  // answered time that still does not count
  std::atomic<int64_t> last_ns_{-1};  // monotonic; up to where answers were counted; -1: none came
  std::atomic_flag busy_;             // guards changes of now_ms_ and last_ns_
};

}  // namespace tollgate::table

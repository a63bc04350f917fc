// ArrivalGroups: learns whether payments come in company, so that one that comes alone need not
// wait for others. A group is what comes with gaps of at most `gap_ns`. The mean size of the last
// groups says whether a further payment is likely within `gap_ns` of a first one.
//
// Thread: any, without locks. Two threads that see arrivals at the same moment may miscount by one:
// the answer decides how long a payment waits, never whether it is taken.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace tollgate::net {

class ArrivalGroups {
 public:
  explicit ArrivalGroups(int64_t gap_ns) : gap_ns_(gap_ns) {}

  // Something came at `now_ns` (monotonic). True: it begins a group, and the last groups say that
  // it is likely to stay alone.
  bool OnArrival(int64_t now_ns) {
    const int64_t gap_ns = now_ns - last_ns_.load(std::memory_order_relaxed);
    last_ns_.store(now_ns, std::memory_order_relaxed);
    const int32_t size = size_.load(std::memory_order_relaxed);
    if (gap_ns <= gap_ns_) {
      // A store that is not needed would take the cache line from the other threads.
      if (size < kSizeMax) size_.store(size + 1, std::memory_order_relaxed);
      return false;
    }
    size_.store(1, std::memory_order_relaxed);
    const int32_t before = mean_.load(std::memory_order_relaxed);
    const int32_t mean = before + (size * kUnit - before) / kMemory;
    mean_.store(mean, std::memory_order_relaxed);
    return mean < kAloneBelow;
  }

 private:
  static constexpr int32_t kUnit = 256;              // of the mean, in fixed point
  static constexpr int32_t kSizeMax = 8;             // a larger group says no more
  static constexpr int32_t kMemory = 4;              // groups
  static constexpr int32_t kAloneBelow = 2 * kUnit;  // fewer than one more is expected

  const int64_t gap_ns_;
  std::atomic<int64_t> last_ns_{0};
  std::atomic<int32_t> size_{kSizeMax};          // of the group that comes now
  std::atomic<int32_t> mean_{kSizeMax * kUnit};  // at first company is expected
};

}  // namespace tollgate::net

// Timeline: the events of a simulation in the order of a manual clock, and its random numbers.
//
// Thread: one simulation's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "tollgate/base/clock.h"
#include "tollgate/base/random.h"

namespace tollgate::simulation {

class Timeline {
 public:
  explicit Timeline(uint64_t seed) : random_(seed) {}

  base::ManualClock& clock() { return clock_; }
  base::Random& random() { return random_; }
  int64_t now_ns() const { return clock_.MonotonicNanos(); }
  int64_t now_ms() const { return now_ns() / base::kNanosPerMilli; }

  // True once in `n` times; never if n is 0.
  bool Chance(uint64_t n) { return n != 0 && random_.OneIn(n); }
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(high - low + 1)));
  }

  void After(int64_t delay_us, std::function<void()> event) {
    events_.emplace(now_ns() + delay_us * 1000, std::move(event));
  }
  bool empty() const { return events_.empty(); }
  // Moves the clock to the next event and runs it. False: no event is left before `until_ns`.
  bool RunNext(int64_t until_ns) {
    if (events_.empty() || events_.begin()->first > until_ns) {
      if (until_ns > now_ns()) clock_.AdvanceNanos(until_ns - now_ns());
      return false;
    }
    auto node = events_.extract(events_.begin());
    if (node.key() > now_ns()) clock_.AdvanceNanos(node.key() - now_ns());
    node.mapped()();
    return true;
  }

 private:
  base::ManualClock clock_;
  base::Random random_;
  std::multimap<int64_t, std::function<void()>> events_;  // equal times in the order of insertion
};

}  // namespace tollgate::simulation

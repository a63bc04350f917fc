// EventQueue: the simulator's events in the order of a manual clock. Small values in a heap, no
// allocation per event: a schedule has some half a million.
//
// Thread: one simulation's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tollgate/base/clock.h"

namespace tollgate::schedule {

class EventTarget {
 public:
  virtual ~EventTarget() = default;
  virtual void OnEvent(uint32_t kind, uint64_t argument) = 0;
};

class EventQueue {
 public:
  base::ManualClock& clock() { return clock_; }
  int64_t now_ns() const { return clock_.MonotonicNanos() - kStartNs; }

  void At(int64_t at_ns, EventTarget& target, uint32_t kind, uint64_t argument) {
    heap_.push_back({std::max(at_ns, now_ns()), next_++, &target, argument, kind});
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }
  void After(int64_t delay_ns, EventTarget& target, uint32_t kind, uint64_t argument) {
    At(now_ns() + delay_ns, target, kind, argument);
  }
  // Moves the clock to the next event before `end_ns` and runs it and all others of that moment.
  // False: there is none.
  bool RunMoment(int64_t end_ns) {
    if (heap_.empty() || heap_.front().at_ns >= end_ns) return false;
    const int64_t moment_ns = heap_.front().at_ns;
    clock_.AdvanceNanos(moment_ns - now_ns());
    while (!heap_.empty() && heap_.front().at_ns == moment_ns) {
      std::pop_heap(heap_.begin(), heap_.end(), Later);
      const Event event = heap_.back();
      heap_.pop_back();
      event.target->OnEvent(event.kind, event.argument);
    }
    return true;
  }

 private:
  struct Event {
    int64_t at_ns;
    uint64_t number;  // equal times in the order of insertion
    EventTarget* target;
    uint64_t argument;
    uint32_t kind;
  };
  static bool Later(const Event& a, const Event& b) {
    return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.number > b.number;
  }
  static constexpr int64_t kStartNs = 1;  // where a ManualClock begins
  base::ManualClock clock_;
  std::vector<Event> heap_;
  uint64_t next_ = 0;
};

}  // namespace tollgate::schedule

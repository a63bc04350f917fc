// DeadlineQueue: the deadlines of open calls, oldest first. Unlike a std::deque it stops allocating
// once it has reached its largest size.
//
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tollgate::ledger {

class DeadlineQueue {
 public:
  bool empty() const { return first_ == items_.size(); }
  size_t size() const { return items_.size() - first_; }
  // REQUIRES: not empty.
  int64_t front() const { return items_[first_]; }

  void push_back(int64_t deadline_ns) { items_.push_back(deadline_ns); }
  // REQUIRES: not empty. Removed items are erased when they are more than half.
  void pop_front() {
    ++first_;
    if (first_ <= items_.size() / 2) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  void clear() {
    items_.clear();
    first_ = 0;
  }

 private:
  std::vector<int64_t> items_;
  size_t first_ = 0;
};

}  // namespace tollgate::ledger

// DueHeap: entries by their time, soonest first. Only the first is ever removed, so a binary heap
// of pairs is enough.
//
// Thread: one worker's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "tollgate/forward/entry_index.h"

namespace tollgate::forward {

class DueHeap {
 public:
  void Push(int64_t due_ns, EntryIndex entry) {
    heap_.push_back({due_ns, entry});
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  int64_t NextNs() const {
    return heap_.empty() ? std::numeric_limits<int64_t>::max() : heap_.front().due_ns;
  }
  // REQUIRES (also for Pop): not empty.
  EntryIndex front() const { return heap_.front().entry; }
  EntryIndex Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    const EntryIndex entry = heap_.back().entry;
    heap_.pop_back();
    return entry;
  }

 private:
  struct Item {
    int64_t due_ns;
    EntryIndex entry;
  };
  static bool Later(const Item& a, const Item& b) { return a.due_ns > b.due_ns; }
  std::vector<Item> heap_;
};

}  // namespace tollgate::forward

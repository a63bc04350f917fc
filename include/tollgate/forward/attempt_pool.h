// AttemptPool: the attempts of the payments that a forwarder has taken from the ring, one entry
// each, and lists of them. The entry that was freed last is reused first, so few entries stay in
// the caches, even if the table is large.
//
// Thread: one worker's.
// Owns: the entries, allocated once: one per slot of the table, so that they cannot run out.
// Invariants: an entry is in at most one list.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

#include "tollgate/base/assert.h"
#include "tollgate/forward/attempt.h"

namespace tollgate::forward {

class AttemptList {
 public:
  bool empty() const { return head_ == kNoEntry; }
  uint32_t front() const { return head_; }
  uint32_t size() const { return size_; }

 private:
  friend class AttemptPool;
  uint32_t head_ = kNoEntry;
  uint32_t tail_ = kNoEntry;
  uint32_t size_ = 0;
};

class AttemptPool {
 public:
  explicit AttemptPool(uint32_t capacity)
      : capacity_(capacity),
        entries_(static_cast<Attempt*>(::operator new(capacity * sizeof(Attempt)))) {}
  ~AttemptPool() { ::operator delete(entries_); }
  AttemptPool(const AttemptPool&) = delete;
  AttemptPool& operator=(const AttemptPool&) = delete;

  Attempt& operator[](uint32_t index) { return entries_[index]; }
  const Attempt& operator[](uint32_t index) const { return entries_[index]; }
  uint32_t in_use() const { return in_use_; }
  uint32_t touched() const { return touched_; }  // all entries in use are below

  uint32_t Take() {
    uint32_t index = free_head_;
    if (index != kNoEntry) {
      free_head_ = entries_[index].next;
    } else {
      TG_ASSERT(touched_ < capacity_);
      index = touched_++;
    }
    std::construct_at(&entries_[index]);
    ++in_use_;
    return index;
  }
  void Free(uint32_t index) {
    entries_[index].phase = Phase::kFree;
    entries_[index].next = free_head_;
    free_head_ = index;
    --in_use_;
  }

  void PushBack(AttemptList& list, uint32_t index) {
    Attempt& entry = entries_[index];
    entry.next = kNoEntry;
    entry.previous = list.tail_;
    (list.tail_ == kNoEntry ? list.head_ : entries_[list.tail_].next) = index;
    list.tail_ = index;
    ++list.size_;
  }
  uint32_t PopFront(AttemptList& list) {
    const uint32_t index = list.head_;
    if (index != kNoEntry) Remove(list, index);
    return index;
  }
  void Remove(AttemptList& list, uint32_t index) {
    Attempt& entry = entries_[index];
    (entry.previous == kNoEntry ? list.head_ : entries_[entry.previous].next) = entry.next;
    (entry.next == kNoEntry ? list.tail_ : entries_[entry.next].previous) = entry.previous;
    entry.next = entry.previous = kNoEntry;
    --list.size_;
  }

 private:
  const uint32_t capacity_;
  // Raw memory, so that pages that no entry has used stay untouched.
  Attempt* const entries_;
  uint32_t touched_ = 0;  // entries ever used
  uint32_t free_head_ = kNoEntry;
  uint32_t in_use_ = 0;
};

}  // namespace tollgate::forward

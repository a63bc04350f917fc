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
  EntryIndex front() const { return head_; }
  uint32_t size() const { return size_; }

 private:
  friend class AttemptPool;
  EntryIndex head_ = kNoEntry;
  EntryIndex tail_ = kNoEntry;
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

  Attempt& operator[](EntryIndex entry) { return entries_[NumberOf(entry)]; }
  const Attempt& operator[](EntryIndex entry) const { return entries_[NumberOf(entry)]; }
  uint32_t in_use() const { return in_use_; }
  // All entries in use have a lower number.
  uint32_t touched() const { return touched_; }

  EntryIndex Take() {
    EntryIndex entry = free_head_;
    if (entry != kNoEntry) {
      free_head_ = (*this)[entry].next;
    } else {
      TG_ASSERT(touched_ < capacity_);
      entry = EntryIndex{touched_++};
    }
    std::construct_at(&(*this)[entry]);
    ++in_use_;
    return entry;
  }
  void Free(EntryIndex entry) {
    Attempt& attempt = (*this)[entry];
    attempt.phase = Phase::kFree;
    attempt.next = free_head_;
    free_head_ = entry;
    --in_use_;
  }

  void PushBack(AttemptList& list, EntryIndex entry) {
    Attempt& attempt = (*this)[entry];
    attempt.next = kNoEntry;
    attempt.previous = list.tail_;
    (list.tail_ == kNoEntry ? list.head_ : (*this)[list.tail_].next) = entry;
    list.tail_ = entry;
    ++list.size_;
  }
  EntryIndex PopFront(AttemptList& list) {
    const EntryIndex entry = list.head_;
    if (entry != kNoEntry) Remove(list, entry);
    return entry;
  }
  void Remove(AttemptList& list, EntryIndex entry) {
    Attempt& attempt = (*this)[entry];
    (attempt.previous == kNoEntry ? list.head_ : (*this)[attempt.previous].next) = attempt.next;
    (attempt.next == kNoEntry ? list.tail_ : (*this)[attempt.next].previous) = attempt.previous;
    attempt.next = attempt.previous = kNoEntry;
    --list.size_;
  }

 private:
  const uint32_t capacity_;
  // Raw memory, so that pages that no entry has used stay untouched.
  Attempt* const entries_;
  uint32_t touched_ = 0;  // entries ever used
  EntryIndex free_head_ = kNoEntry;
  uint32_t in_use_ = 0;
};

}  // namespace tollgate::forward

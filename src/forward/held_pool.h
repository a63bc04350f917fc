// HeldPool: the payments that a forwarder has taken from the ring, one entry each, and lists of
// them. Last freed is first reused, so that few entries stay warm however large the table is.
//
// Thread: one worker's.
// Owns: the entries, allocated once: one per slot of the table, so that it can never be exhausted.
// Invariants: an entry is in at most one list.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "tollgate/base/assert.h"
#include "tollgate/payments/payment.h"

namespace tollgate::forward {

inline constexpr uint32_t kNoEntry = UINT32_MAX;

// What an entry waits for.
enum class Phase : uint8_t {
  kFree,
  kReady,       // a choice of processor, perhaps after a back-off
  kToClaim,     // room in a claim batch
  kClaiming,    // the ledger's verdict
  kCommitting,  // the table's group commit
  kToPost,      // a transfer handle
  kPosting,     // the processor's answer
  kLookupWait,  // the time to ask what an answered attempt left behind
  kLookingUp,   // that answer
  kUnresolved,  // the time for the next look at an unknown outcome
  kToRecord,    // room in a record batch
  kRecording,   // the ledger's verdict
};

struct Held {
  uint32_t slot = 0;
  uint32_t next = kNoEntry;
  uint32_t previous = kNoEntry;
  uint16_t attempt = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  payments::ProcessorId refused_by = payments::kNoProcessor;  // its last attempt, with 429
  Phase phase = Phase::kFree;
  bool pinned = false;       // some copy may have been sent with unknown outcome
  bool as_it_was = false;    // the claim found in the table is repeated, not made anew
  bool told = false;         // this attempt was claimed before: its claim may be repeated early
  bool takes_place = false;  // counted in the processor's in_flight
  bool counts_unresolved = false;
  bool is_repeat = false;    // a look at an unresolved payment is under way
  bool duplicate = false;    // a 422 said that the processor has the id
  bool told_time = false;    // people know that its processor holds it at an impossible time
  bool others_have = false;  // as the books said last: its claim, at the very same place
  bool in_doubt = false;     // once granted it is pinned: its place is that of another's claim
  uint8_t ask_again = 0;     // how often the books were asked about a claim in other hands
  uint8_t backoffs = 0;
  uint8_t trials = 0;         // how often it was the trial of a processor
  uint8_t reject_reason = 0;  // table::RejectReason, when it ends rejected
  uint32_t epoch = 0;
  uint32_t tail = 0;  // of Impl::tails: the last before the books said whose the claim is
  int64_t requested_at_ms = 0;
  int64_t invalid_ns = 0;  // monotonic: first refused as invalid while pinned; 0: never
  int64_t since_ns = 0;    // monotonic: unresolved since
  int64_t born_ns = 0;     // monotonic: accepted, as the wall clock told when it was taken
  uint64_t ticket = 0;
};

static_assert(std::is_trivially_destructible_v<Held>);

class HeldList {
 public:
  bool empty() const { return head_ == kNoEntry; }
  uint32_t front() const { return head_; }
  uint32_t size() const { return size_; }

 private:
  friend class HeldPool;
  uint32_t head_ = kNoEntry;
  uint32_t tail_ = kNoEntry;
  uint32_t size_ = 0;
};

class HeldPool {
 public:
  explicit HeldPool(uint32_t capacity)
      : capacity_(capacity),
        entries_(static_cast<Held*>(::operator new(capacity * sizeof(Held)))) {}
  ~HeldPool() { ::operator delete(entries_); }
  HeldPool(const HeldPool&) = delete;
  HeldPool& operator=(const HeldPool&) = delete;

  Held& operator[](uint32_t index) { return entries_[index]; }
  const Held& operator[](uint32_t index) const { return entries_[index]; }
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

  void PushBack(HeldList& list, uint32_t index) {
    Held& entry = entries_[index];
    entry.next = kNoEntry;
    entry.previous = list.tail_;
    (list.tail_ == kNoEntry ? list.head_ : entries_[list.tail_].next) = index;
    list.tail_ = index;
    ++list.size_;
  }
  uint32_t PopFront(HeldList& list) {
    const uint32_t index = list.head_;
    if (index != kNoEntry) Remove(list, index);
    return index;
  }
  void Remove(HeldList& list, uint32_t index) {
    Held& entry = entries_[index];
    (entry.previous == kNoEntry ? list.head_ : entries_[entry.previous].next) = entry.next;
    (entry.next == kNoEntry ? list.tail_ : entries_[entry.next].previous) = entry.previous;
    entry.next = entry.previous = kNoEntry;
    --list.size_;
  }

 private:
  const uint32_t capacity_;
  // Raw memory, so that pages which no entry ever used stay untouched.
  Held* const entries_;
  uint32_t touched_ = 0;  // entries ever used
  uint32_t free_head_ = kNoEntry;
  uint32_t in_use_ = 0;
};

}  // namespace tollgate::forward

// MpmcRing: a bounded lock-free queue of small values for many producers and many consumers.
// Source: Dmitry Vyukov's bounded MPMC queue (1024cores.net). Each cell has a sequence number that
// says whether a producer or a consumer may use it next. A push or a pop is one compare-and-set on
// its own index.
//
// Thread: any, except the constructor and destructor.
// Invariants: FIFO per producer. A failed push means that the ring was full at some moment of the
// call.
//
// The model check (tests/base) replaces `Atomic` to walk through all interleavings of small cases.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>

#include "tollgate/base/assert.h"
#include "tollgate/base/cache_line.h"

namespace tollgate::base {

template <typename T, template <typename> class Atomic = std::atomic>
class MpmcRing {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  // REQUIRES: capacity is a power of two, at least 2.
  explicit MpmcRing(size_t capacity) : mask_(capacity - 1), cells_(new Cell[capacity]) {
    TG_ASSERT(capacity >= 2 && (capacity & mask_) == 0);
    for (size_t i = 0; i < capacity; ++i) cells_[i].sequence.store(i, std::memory_order_relaxed);
  }

  size_t capacity() const { return mask_ + 1; }

  // Returns false if the ring is full.
  [[nodiscard]] bool TryPush(T value) {
    uint64_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      // Acquire: partner is the release store at the end of TryPopIf.
      const uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      const int64_t ahead = static_cast<int64_t>(sequence - position);
      if (ahead == 0) {
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          cell.value.store(value, std::memory_order_relaxed);
          cell.sequence.store(position + 1, std::memory_order_release);  // partner: TryPopIf
          return true;
        }
      } else if (ahead < 0) {
        return false;
      } else {
        position = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  // The oldest value. Empty if the ring is empty.
  std::optional<T> TryPop() {
    return TryPopIf([](const T&) { return true; });
  }

  // Takes the oldest value if `accept` returns true for it. Else the ring is unchanged.
  template <typename Accept>
  std::optional<T> TryPopIf(Accept&& accept) {
    uint64_t position = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      // Acquire: partner is the release store at the end of TryPush.
      const uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      const int64_t ahead = static_cast<int64_t>(sequence - (position + 1));
      if (ahead == 0) {
        // Another consumer may take the cell meanwhile. Then the exchange fails and this value is
        // dropped. Reading it is no data race, because it is atomic.
        const T value = cell.value.load(std::memory_order_relaxed);
        if (!accept(value)) return std::nullopt;
        if (head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          cell.sequence.store(position + mask_ + 1, std::memory_order_release);  // partner: TryPush
          return value;
        }
      } else if (ahead < 0) {
        return std::nullopt;
      } else {
        position = head_.load(std::memory_order_relaxed);
      }
    }
  }

  // How many values are inside. Exact only while no thread pushes or pops.
  size_t SizeApprox() const {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    return tail > head ? static_cast<size_t>(tail - head) : 0;
  }

 private:
  struct Cell {
    Atomic<uint64_t> sequence{0};
    Atomic<T> value{};
  };

  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(kCacheLineBytes) Atomic<uint64_t> tail_{0};  // of the producers
  alignas(kCacheLineBytes) Atomic<uint64_t> head_{0};  // of the consumers
};

}  // namespace tollgate::base

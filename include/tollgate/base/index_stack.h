// IndexStack: a lock-free stack of numbers below its capacity. Each number is in it at most once.
// Source: R. Kent Treiber, "Systems Programming: Coping with Parallelism" (IBM RJ 5118, 1986). The
// head is changed by compare-and-set. It carries a count of changes against the ABA problem.
//
// A number's link is the distance from its neighbour to the next number. Numbers that are pushed
// from the highest to the lowest have links of zero, so their pages are never written.
//
// Thread: any, except the constructor and destructor.
//
// The model check (tests/base) replaces `Atomic` and `Links` to walk through all interleavings of
// small cases.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "tollgate/base/assert.h"
#include "tollgate/base/cache_line.h"

namespace tollgate::base {

// Zeroed memory. The kernel provides a page when it is first written.
class LazyLinks {
 public:
  explicit LazyLinks(size_t count)
      : words_(static_cast<uint32_t*>(std::calloc(count, sizeof(uint32_t))), &std::free) {
    TG_ASSERT(words_ != nullptr);
  }
  uint32_t Load(size_t i) const {
    return std::atomic_ref(words_.get()[i]).load(std::memory_order_relaxed);
  }
  void Store(size_t i, uint32_t value) {
    std::atomic_ref(words_.get()[i]).store(value, std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<uint32_t, decltype(&std::free)> words_;
};

template <template <typename> class Atomic = std::atomic, typename Links = LazyLinks>
class IndexStack {
 public:
  // REQUIRES: 0 < capacity < 2^32.
  explicit IndexStack(size_t capacity)
      : end_(static_cast<uint32_t>(capacity)), links_(capacity), head_(end_) {
    TG_ASSERT(capacity > 0 && capacity < UINT32_MAX);
  }

  // REQUIRES: `number` is below the capacity and not in the stack.
  void Push(uint32_t number) {
    uint64_t head = head_.load(std::memory_order_relaxed);
    for (;;) {
      const uint32_t link = static_cast<uint32_t>(head) - (number + 1);
      if (links_.Load(number) != link) links_.Store(number, link);
      // Release: partner is the acquire of TryPop, which sees what was done before the push.
      if (head_.compare_exchange_weak(head, With(head, number), std::memory_order_release)) {
        break;
      }
    }
    size_.fetch_add(1, std::memory_order_relaxed);  // a statistic
  }

  // The number that was pushed last. Empty if the stack is empty.
  std::optional<uint32_t> TryPop() {
    // Acquire: partner is the release of Push.
    uint64_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      const auto number = static_cast<uint32_t>(head);
      if (number == end_) return std::nullopt;
      // If another thread pops `number` meanwhile, even if it pushes it again, the exchange fails.
      const uint32_t next = number + 1 + links_.Load(number);
      if (head_.compare_exchange_weak(head, With(head, next), std::memory_order_acquire)) {
        size_.fetch_sub(1, std::memory_order_relaxed);  // a statistic
        return number;
      }
    }
  }

  // How many numbers are inside. Exact only while no thread pushes or pops.
  size_t SizeApprox() const {
    const auto size = static_cast<int64_t>(size_.load(std::memory_order_relaxed));
    return size > 0 ? static_cast<size_t>(size) : 0;
  }

 private:
  static uint64_t With(uint64_t head, uint32_t number) {
    return ((head >> 32U) + 1) << 32U | number;  // one more change
  }

  const uint32_t end_;  // the head's number when the stack is empty
  Links links_;
  alignas(kCacheLineBytes) Atomic<uint64_t> head_;
  std::atomic<uint64_t> size_{0};
};

}  // namespace tollgate::base

// SleepFlag: says that a consumer of a queue sleeps, so that a producer wakes it, and only then.
// The protocol is Dekker's: the consumer announces its sleep, fences, then looks into the queue
// once more; the producer pushes, fences, then looks for a sleeper. One of the two sees the other.
//
// Thread: Announce and Retract the consumer's; TryWake any.
//
// `Memory` is StdMemory but in the model check (tests/base), which walks through the
// interleavings of small cases.
#pragma once

#include <atomic>

namespace tollgate::base {

struct StdMemory {
  template <typename T>
  using Atomic = std::atomic<T>;
  static void FenceSeqCst() { std::atomic_thread_fence(std::memory_order_seq_cst); }
};

template <typename Memory = StdMemory>
class SleepFlag {
 public:
  // Before the consumer's last look into the queue.
  void Announce() {
    asleep_.store(true, std::memory_order_relaxed);
    // Between the announcement and the look the fence keeps their order, on any machine.
    Memory::FenceSeqCst();  // partner: FenceAfterPush
  }

  // The consumer found work, or woke.
  void Retract() { asleep_.store(false, std::memory_order_relaxed); }

  // The producer's, once, between its push and its TryWake calls.
  static void FenceAfterPush() { Memory::FenceSeqCst(); }

  // True if the caller has to wake the consumer: it sleeps, and no other producer wakes it.
  [[nodiscard]] bool TryWake() {
    return asleep_.load(std::memory_order_relaxed) &&
           asleep_.exchange(false, std::memory_order_relaxed);
  }

 private:
  typename Memory::template Atomic<bool> asleep_{false};
};

}  // namespace tollgate::base

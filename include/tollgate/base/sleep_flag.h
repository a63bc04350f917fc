// SleepFlag: says that a consumer of a queue sleeps, so that a producer wakes it only then. The
// protocol is Dekker's. The consumer announces its sleep, fences, then checks the queue once more.
// The producer pushes, fences, then looks for a sleeper. At least one of the two sees the other.
// Waking up is symmetric: the consumer retracts, fences, then checks the queue. A producer that
// still sees it waking may leave the value to it.
//
// ChooseSleeper picks one of several consumers of a queue. It prefers a sleeper that could take a
// value when it announced its sleep. Others could not, for example because all their slots were in
// use. A consumer that cannot take what it finds hands the wake-up on with ChooseAble.
//
// Thread: Announce and Retract the consumer's. The rest any.
//
// The model check (tests/base) replaces `Memory` to walk through all interleavings of small cases.
#pragma once

#include <atomic>
#include <cstdint>
#include <iterator>
#include <type_traits>

namespace tollgate::base {

struct StdMemory {
  template <typename T>
  using Atomic = std::atomic<T>;
  static void FenceSeqCst() { std::atomic_thread_fence(std::memory_order_seq_cst); }
};

template <typename Memory = StdMemory>
class SleepFlag {
 public:
  // Call it before the last check of the queue. `able`: the consumer could take a value now.
  void Announce(bool able) {
    state_.store(able ? kAble : kUnable, std::memory_order_relaxed);
    // The fence orders the announcement before the check of the queue.
    Memory::FenceSeqCst();  // partner: FenceAfterPush
  }

  // Call it when the consumer finds work or wakes. True: a producer chose it and relies on it.
  bool Retract() {
    const bool chosen = state_.exchange(kAwake, std::memory_order_relaxed) == kWaking;
    // The fence orders the retraction before the next check of the queue.
    Memory::FenceSeqCst();  // partner: FenceAfterPush
    return chosen;
  }

  // The producer calls it once, between its push and its choice of a sleeper.
  static void FenceAfterPush() { Memory::FenceSeqCst(); }

  // True: a producer chose the consumer, which has not woken yet and will check the queue.
  bool waking() const { return state_.load(std::memory_order_relaxed) == kWaking; }

  // True: the caller must wake the consumer. It sleeps, and no other producer wakes it.
  [[nodiscard]] bool TryWake(bool able) {
    const State asleep = able ? kAble : kUnable;
    State expected = asleep;
    if (state_.load(std::memory_order_relaxed) != asleep) return false;
    while (!state_.compare_exchange_weak(expected, kWaking, std::memory_order_relaxed)) {
      if (expected != asleep) return false;
    }
    return true;
  }

 private:
  enum State : uint8_t { kAwake, kAble, kUnable, kWaking };
  typename Memory::template Atomic<State> state_{kAwake};
};

// Chooses the consumer to wake. Null: none of the candidates sleeps, or one is already waking and
// will check the queue. `flag_of` returns an element's SleepFlag.
template <typename Sleepers, typename FlagOf>
auto* ChooseAsleep(Sleepers& sleepers, FlagOf flag_of, bool unable_too) {
  using Sleeper = std::remove_reference_t<decltype(*std::begin(sleepers))>;
  Sleeper* const none = nullptr;
  for (Sleeper& it : sleepers) {
    if (flag_of(it).waking()) return none;
  }
  for (Sleeper& it : sleepers) {
    if (flag_of(it).TryWake(true)) return &it;
  }
  for (Sleeper& it : sleepers) {
    if (unable_too && flag_of(it).TryWake(false)) return &it;
  }
  return none;
}

// For a producer, after its push and FenceAfterPush. It prefers a sleeper that could take a value.
// Else it chooses any, because a sleeper may have become able since it announced its sleep.
template <typename Sleepers, typename FlagOf>
auto* ChooseSleeper(Sleepers& sleepers, FlagOf flag_of) {
  return ChooseAsleep(sleepers, flag_of, true);
}

// For a consumer that cannot take what it sees, after its Announce. It never chooses a sleeper that
// was not able either, because two of these would keep each other awake.
template <typename Sleepers, typename FlagOf>
auto* ChooseAble(Sleepers& sleepers, FlagOf flag_of) {
  return ChooseAsleep(sleepers, flag_of, false);
}

}  // namespace tollgate::base

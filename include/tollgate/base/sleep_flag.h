// SleepFlag: says that a consumer of a queue sleeps, so that a producer wakes it, and only then.
// The protocol is Dekker's: the consumer announces its sleep, fences, then looks into the queue
// once more; the producer pushes, fences, then looks for a sleeper. One of the two sees the other.
// Likewise at the end: who wakes says so, fences, then looks; a producer that still sees it waking
// may leave what it pushed to it.
//
// Several consumers of one queue: ChooseSleeper picks whom to wake. Of those that sleep, one that
// could take something goes before one that could not when it fell asleep (all its places were
// taken, say). Whoever cannot take what it finds hands the wake-up on by ChooseAble.
//
// Thread: Announce and Retract the consumer's; the rest any.
//
// `Memory` is StdMemory but in the model check (tests/base), which walks through the
// interleavings of small cases.
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
  // Before the consumer's last look into the queue. `able`: it could take something now.
  void Announce(bool able) {
    state_.store(able ? kAble : kUnable, std::memory_order_relaxed);
    // Between the announcement and the look the fence keeps their order, on any machine.
    Memory::FenceSeqCst();  // partner: FenceAfterPush
  }

  // The consumer found work, or woke. True: a producer chose it to wake, and relies on it.
  bool Retract() {
    const bool chosen = state_.exchange(kAwake, std::memory_order_relaxed) == kWaking;
    // Between the retraction and the next look, as above.
    Memory::FenceSeqCst();  // partner: FenceAfterPush
    return chosen;
  }

  // The producer's, once, between its push and its choice of a sleeper.
  static void FenceAfterPush() { Memory::FenceSeqCst(); }

  // A producer chose it, and it has not woken yet: it will look into the queue.
  bool waking() const { return state_.load(std::memory_order_relaxed) == kWaking; }

  // True if the caller has to wake the consumer: it sleeps, and no other producer wakes it.
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

// Whom to wake for what is in the queue; null: none of those that are asked for sleeps, or one is
// waking already and will look. `flag_of` gives an element's SleepFlag.
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

// For a producer, after its push and FenceAfterPush: one that could take something if there is one,
// else any, as time may have made it able.
template <typename Sleepers, typename FlagOf>
auto* ChooseSleeper(Sleepers& sleepers, FlagOf flag_of) {
  return ChooseAsleep(sleepers, flag_of, true);
}

// For a consumer that cannot take what it sees, after its Announce. It is never handed back to one
// that could not take either: two of these would keep each other awake.
template <typename Sleepers, typename FlagOf>
auto* ChooseAble(Sleepers& sleepers, FlagOf flag_of) {
  return ChooseAsleep(sleepers, flag_of, false);
}

}  // namespace tollgate::base

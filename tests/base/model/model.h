// A model checker for small lock-free programs. It runs a program once for every order of its
// threads' steps and every value that a weak memory may show to a load, within given bounds.
//
// Memory: each location has the list of its stores. A thread has a view: the oldest store of each
// location that it may still read. A release store carries its writer's view, and an acquire load
// takes it over. Fences are as in the view-based semantics of Kang et al., "A Promising Semantics
// for Relaxed-Memory Concurrency" (POPL 2017), without promises. Stores are appended to a
// location's order, never inserted. A seq_cst load or store counts only as acquire or release. This
// allows more than C++ does, so no error is missed by it.
//
// Schedules are bounded as in Musuvathi and Qadeer, "Iterative Context Bounding" (PLDI 2007): a
// thread that could continue is interrupted at most `preemptions` times, and at most `oddities`
// loads return an old value or weak exchanges fail without a reason.
//
// Thread: one. Not for sanitized builds, which do not know its stacks.
#pragma once

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

namespace tollgate::model {

struct Bounds {
  int preemptions = 3;
  int oddities = 2;
  // Breaks the program under test, to see that the check finds it.
  bool releases_are_relaxed = false;
  bool acquires_are_relaxed = false;
  bool no_fences = false;
};

class Model {
 public:
  // Runs `program` for every execution within the bounds until it returns false (a property does
  // not hold). Returns whether all returned true. A program makes atomics, adds threads, calls
  // Run() and checks the result.
  static bool Explore(const Bounds& bounds, const std::function<bool(Model&)>& program);
  static Model& Current();

  void AddThread(std::function<void()> body);
  void Run();
  uint64_t executions() const { return executions_; }

  // The calls of Atomic.
  int NewLocation(uint64_t value);
  uint64_t Load(int location, std::memory_order order);
  void Store(int location, uint64_t value, std::memory_order order);
  uint64_t Exchange(int location, uint64_t value, std::memory_order order);
  bool CompareExchangeWeak(int location, uint64_t& expected, uint64_t value,
                           std::memory_order order);
  void FenceSeqCst();

 private:
  static constexpr size_t kMaxLocations = 16;
  static constexpr size_t kStackBytes = 64 * 1024;
  using View = std::array<uint16_t, kMaxLocations>;

  struct StoreEvent {
    uint64_t value;
    View view;
  };
  struct Thread {
    std::function<void()> body;
    ucontext_t context{};
    std::vector<char> stack;
    View now{};       // the oldest stores it may read
    View acquired{};  // what relaxed loads saw, for a later fence
    View released{};  // its view at the last fence
    bool done = true;
  };
  struct Choice {
    int taken;
    int count;
  };

  static void Enter();
  static void Join(View& into, const View& other);
  int Choose(int count);
  bool NextExecution();
  void Reset();
  void MayBeInterrupted();
  void SwitchTo(size_t thread);
  std::vector<size_t> Runnable() const;
  bool Releases(std::memory_order order) const;
  bool Acquires(std::memory_order order) const;
  void See(int location, size_t index, std::memory_order order);
  void Append(int location, uint64_t value, std::memory_order order, const View* continued);

  Bounds bounds_;
  std::vector<Choice> choices_;
  size_t depth_ = 0;
  uint64_t executions_ = 0;
  int preemptions_left_ = 0;
  int oddities_left_ = 0;

  std::vector<std::vector<StoreEvent>> locations_;
  View sequential_{};  // of the fences, in their total order
  std::vector<std::unique_ptr<Thread>> threads_;
  size_t thread_count_ = 0;
  Thread main_;
  Thread* running_ = &main_;
  size_t running_index_ = 0;
};

// Replaces std::atomic in what is checked.
template <typename T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  Atomic(T value = T{}) : location_(Model::Current().NewLocation(Pack(value))) {}  // NOLINT
  T load(std::memory_order order) const { return Unpack(Model::Current().Load(location_, order)); }
  void store(T value, std::memory_order order) {
    Model::Current().Store(location_, Pack(value), order);
  }
  T exchange(T value, std::memory_order order) {
    return Unpack(Model::Current().Exchange(location_, Pack(value), order));
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order) {
    uint64_t packed = Pack(expected);
    const bool done = Model::Current().CompareExchangeWeak(location_, packed, Pack(value), order);
    expected = Unpack(packed);
    return done;
  }

 private:
  static uint64_t Pack(T value) {
    uint64_t packed = 0;
    std::memcpy(&packed, &value, sizeof value);
    return packed;
  }
  static T Unpack(uint64_t packed) {
    T value;
    std::memcpy(&value, &packed, sizeof value);
    return value;
  }

  const int location_;
};

struct Memory {
  template <typename T>
  using Atomic = model::Atomic<T>;
  static void FenceSeqCst() { Model::Current().FenceSeqCst(); }
};

}  // namespace tollgate::model

// CommitListeners: the functions to call after every group commit.
//
// Thread: Add, and the end of a CommitListener: any. Call: the syncing thread.
// Invariants: after the end of a CommitListener its function is not called, and no call of it is in
// progress. So what it wakes may be destroyed next. The listener and the caller may end in any
// order.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tollgate::table {

class CommitListener;

class CommitListeners {
 public:
  // The function is called as long as the listener exists.
  [[nodiscard]] inline CommitListener Add(std::function<void()> on_commit);
  void Call() const {
    const std::lock_guard lock(shared_->mutex);
    for (const auto& it : shared_->functions) (*it)();
  }

 private:
  friend class CommitListener;
  using Function = std::unique_ptr<const std::function<void()>>;
  struct Shared {
    std::mutex mutex;
    std::vector<Function> functions;  // guarded by mutex, also while they are called
  };
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// REQUIRES: its function neither adds nor ends a listener, and does not wait.
class [[nodiscard]] CommitListener {
 public:
  CommitListener() = default;  // listens to nothing
  CommitListener(CommitListener&& other) noexcept = default;
  CommitListener& operator=(CommitListener&& other) noexcept {
    End();
    shared_ = std::move(other.shared_);
    function_ = std::exchange(other.function_, nullptr);
    return *this;
  }
  ~CommitListener() { End(); }

 private:
  friend class CommitListeners;
  CommitListener(std::shared_ptr<CommitListeners::Shared> shared,
                 const std::function<void()>* function)
      : shared_(std::move(shared)), function_(function) {}
  void End() {
    if (shared_ == nullptr) return;
    const std::lock_guard lock(shared_->mutex);
    std::erase_if(shared_->functions, [this](const auto& it) { return it.get() == function_; });
  }

  std::shared_ptr<CommitListeners::Shared> shared_;
  const std::function<void()>* function_ = nullptr;
};

CommitListener CommitListeners::Add(std::function<void()> on_commit) {
  auto function = std::make_unique<const std::function<void()>>(std::move(on_commit));
  CommitListener listener(shared_, function.get());
  const std::lock_guard lock(shared_->mutex);
  shared_->functions.push_back(std::move(function));
  return listener;
}

}  // namespace tollgate::table

// LoopMail: a loop that may end while other threads have something for it.
//
// Thread: any.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "tollgate/net/event_loop.h"

namespace tollgate::ledger::file {

class LoopMail {
 public:
  explicit LoopMail(net::EventLoop& loop) : loop_(&loop) {}
  // Runs `task` on the loop, unless it is closed.
  void Post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->Post(std::move(task));
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  net::EventLoop* loop_;  // guarded by mutex_; null: closed
};

}  // namespace tollgate::ledger::file

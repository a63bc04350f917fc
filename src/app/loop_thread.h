// LoopThread: a named thread that runs one event loop.
//
// Thread: Start and StopAndJoin the main thread's; Ask any.
// Invariants: whatever lives on the loop ends after its thread and before the loop; so whoever owns
// both has a destructor that calls StopAndJoin.
#pragma once

#include <pthread.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "tollgate/net/event_loop.h"

namespace tollgate::app {

class LoopThread {
 public:
  LoopThread(const base::Clock& clock, std::string name) : loop_(clock), name_(std::move(name)) {}
  ~LoopThread() { StopAndJoin(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  net::EventLoop& loop() { return loop_; }

  void Start() {
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), name_.c_str());
      loop_.Run();
    });
  }
  void StopAndJoin() {
    if (!thread_.joinable()) return;
    loop_.Stop();
    thread_.join();
  }
  // Runs `work` on the loop's thread some time. The loop may be busy, or have ended: whoever waits
  // for the result waits for so long and no longer, and `work` holds nothing of its asker's.
  template <typename Result>
  std::future<Result> Ask(std::function<Result()> work) {
    auto promise = std::make_shared<std::promise<Result>>();
    auto answer = promise->get_future();
    loop_.Post([promise, work = std::move(work)] { promise->set_value(work()); });
    return answer;
  }
  // Waits until `deadline`; nothing: it was not answered.
  template <typename Result>
  static std::optional<Result> Await(std::future<Result> answer,
                                     std::chrono::steady_clock::time_point deadline) {
    if (answer.wait_until(deadline) != std::future_status::ready) return std::nullopt;
    return answer.get();
  }

 private:
  net::EventLoop loop_;
  const std::string name_;
  std::thread thread_;
};

}  // namespace tollgate::app

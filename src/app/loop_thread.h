// LoopThread: a named thread that runs one event loop.
//
// Thread: Start and StopAndJoin the main thread's; Ask any.
// Invariants: objects on the loop are destroyed after its thread has ended and before the loop. So
// the destructor of their owner calls StopAndJoin.
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
  // Runs `work` on the loop's thread later. The loop may be busy or may have ended, so the caller
  // must limit its wait. `work` must not refer to data of the caller.
  template <typename Result>
  std::future<Result> Ask(std::function<Result()> work) {
    auto promise = std::make_shared<std::promise<Result>>();
    auto answer = promise->get_future();
    loop_.Post([promise, work = std::move(work)] { promise->set_value(work()); });
    return answer;
  }
  // Waits until `deadline`. Empty: no answer came.
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

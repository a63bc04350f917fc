// LoopThread: a named thread that runs one event loop.
//
// Thread: Start, Stop and Join the main thread's; RunInLoop any.
#pragma once

#include <pthread.h>

#include <functional>
#include <future>
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
  // Runs `work` on the loop's thread and waits for its result.
  template <typename Result>
  Result Ask(std::function<Result()> work) {
    std::promise<Result> promise;
    auto answer = promise.get_future();
    loop_.Post([&] { promise.set_value(work()); });
    return answer.get();
  }

 private:
  net::EventLoop loop_;
  const std::string name_;
  std::thread thread_;
};

}  // namespace tollgate::app

// Load: threads that post payments until they are stopped, and record what was accepted.
//
// Thread: the test's for Start, Stop and the results.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace tollgate::testing {

struct LoadOptions {
  std::vector<std::string> addresses;  // each thread uses one, in turn
  uint64_t seed = 1;
  size_t threads = 4;
  size_t payments_max = SIZE_MAX;  // over all threads
  int pause_us = 0;                // between two payments of a thread
  bool repeat_unanswered = true;   // as a client would: the same id until it is answered
};

class Load {
 public:
  explicit Load(LoadOptions options);
  ~Load();
  void Start();
  void Stop();  // lets each thread finish its payment
  void Wait();  // until payments_max are posted
  size_t accepted_count() const { return accepted_.load(); }

  // After Stop or Wait. By id: cents that got a 202.
  const std::map<std::string, int64_t>& accepted() const { return accepted_ids_; }
  // Posted and never answered with 202 (the answer was lost or an error): may or may not be booked.
  const std::map<std::string, int64_t>& uncertain() const { return uncertain_ids_; }
  // Answers other than 202, by status; 0 is no answer at all.
  const std::map<int, size_t>& failures() const { return failures_; }

 private:
  struct Worker;
  void Run(size_t index);

  const LoadOptions options_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> next_{0};
  std::atomic<size_t> accepted_{0};
  std::vector<std::thread> threads_;
  std::vector<std::map<std::string, int64_t>> accepted_by_thread_, uncertain_by_thread_;
  std::vector<std::map<int, size_t>> failures_by_thread_;
  std::map<std::string, int64_t> accepted_ids_, uncertain_ids_;
  std::map<int, size_t> failures_;
};

}  // namespace tollgate::testing

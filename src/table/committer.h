// Committer: the group commit of DURABILITY=disk. One sync covers the stores of many payments.
//
// A ticket is the number of the next commit that begins, so a commit covers every store that was
// made before its ticket was taken. After a failed sync the kernel may have reported the error once
// and marked the pages clean. So every live page is dirtied and synced again before success is
// reported.
//
// Thread: Take, committed and healthy any; listeners are called on the `sync` thread. Without
// Start, one caller may run the steps (Begin, Try) itself, as the simulation does.
// Owns: the thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "tollgate/table/commit_listeners.h"

namespace tollgate::table {

struct CommitterOptions {
  int64_t interval_us = 1000;  // longest wait for more tickets
  size_t batch_max = 4096;     // so many tickets start a commit at once
  std::function<int()> sync;   // 0 or errno
  std::function<void()> dirty_all;
};

class Committer {
 public:
  explicit Committer(CommitterOptions options);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // `on_commit` is called after each commit, on the `sync` thread, for as long as the listener
  // lives.
  CommitListener AddListener(std::function<void()> on_commit) {
    return listeners_.Add(std::move(on_commit));
  }
  void Start();

  uint64_t Take();
  uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  bool healthy() const { return healthy_.load(std::memory_order_acquire); }

  // The steps of a commit. Begin: tickets that are taken from now on belong to the next commit.
  // Try: one sync; false if it failed and must be tried again.
  bool wanted() const { return wanted_.load() > committed_.load(); }
  void Begin();
  bool Try();

 private:
  void Run();
  void WaitForTickets();
  void WaitForCompany() const;
  void Commit();

  const CommitterOptions options_;
  CommitListeners listeners_;
  bool failed_ = false;                 // the last sync failed; only the syncing thread uses it
  std::atomic<uint64_t> started_{0};    // commits begun
  std::atomic<uint64_t> committed_{0};  // commits done
  std::atomic<uint64_t> wanted_{0};     // highest ticket taken
  std::atomic<size_t> waiting_{0};      // tickets since the last commit began
  std::atomic<uint32_t> signal_{0};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> healthy_{true};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tollgate::table

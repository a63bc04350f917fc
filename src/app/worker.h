// Worker: a thread that forwards payments: a loop with curl, a Redis connection and a forwarder.
// The first worker also adopts tables that nobody has locked any more.
//
// Thread: constructed, started and stopped by the main thread; the rest is its own thread's.
// Owns: its loop and everything on it.
#pragma once

#include <memory>
#include <vector>

#include "app/forwarding.h"
#include "app/loop_thread.h"
#include "app/shared.h"

namespace tollgate::app {

class Worker {
 public:
  Worker(Shared& shared, RunIdKeeper& run_ids, size_t index, size_t workers);

  void Start();
  // Thread: main.
  bool Empty();  // nothing is held and the ring is empty
  void BeginDrain();
  bool Quiet();
  void Stop() { thread_.StopAndJoin(); }

  const metrics::ForwardMetrics& metrics() const { return *metrics_; }
  const metrics::ForwardMetrics& adopted_metrics() const { return *adopted_metrics_; }
  // Why payments go where they go now.
  forward::Routing Why();

 private:
  void Maintain();
  void LookForOrphans();
  void FinishAdopted();

  Shared& shared_;
  RunIdKeeper& run_ids_;
  const size_t index_;
  const std::unique_ptr<metrics::ForwardMetrics> metrics_;
  LoopThread thread_;
  std::unique_ptr<Forwarding> forwarding_;
  std::unique_ptr<net::Timer> maintenance_;

  // Adoption (worker 0).
  struct Adopted {
    Queue queue;
    std::unique_ptr<Forwarding> forwarding;
    int64_t idle_since_ns = 0;
  };
  // Counts of all adopted tables; gauges of the one that wrote last.
  const std::unique_ptr<metrics::ForwardMetrics> adopted_metrics_;
  std::vector<std::unique_ptr<Adopted>> adopted_;
  std::vector<std::string> unlocked_before_;  // tables that the last look found unlocked
  int64_t next_look_ns_ = 0;
  bool draining_ = false;
};

}  // namespace tollgate::app

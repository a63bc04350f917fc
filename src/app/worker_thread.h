// WorkerThread: a thread that forwards payments: a loop with curl, a Redis connection and a
// forwarder. The first worker also adopts tables that nobody has locked any more.
//
// Thread: constructed, started and stopped by the main thread; the rest is its own thread's.
// Owns: its loop and everything on it.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/forwarding_stack.h"
#include "app/gateway_context.h"
#include "app/loop_thread.h"
#include "tollgate/table/data_folder.h"

namespace tollgate::app {

class WorkerThread {
 public:
  WorkerThread(GatewayContext& context, RunIdKeeper& run_ids, size_t index, size_t workers);
  ~WorkerThread();

  void Start();
  // Thread: main.
  std::future<bool> AskEmpty();  // nothing is held and the ring is empty
  void BeginDrain();
  std::future<bool> AskQuiet();
  void Stop() { thread_.StopAndJoin(); }
  // Tells the books that nobody works with the instance's table any more. Once everything is quiet
  // and the other workers have ended; waits at most `ms`.
  void SayGone(int64_t ms);

  const metrics::ForwardMetrics& metrics() const { return *metrics_; }
  const metrics::ForwardMetrics& adopted_metrics() const { return *adopted_metrics_; }
  // Why payments go where they go now. Thread: any.
  std::future<forward::Routing> AskWhy();

 private:
  void Maintain();
  void LookForOrphans();
  // Why the table must not be adopted; empty: nothing speaks against it.
  std::string WhyNotAdopt(const std::string& path, const table::TableFacts& facts) const;
  void OnOwner(const std::string& path, const table::TableFacts& facts,
               const ledger::OwnerFacts& owner);
  void Adopt(const std::string& path);
  // One line per path and reason.
  void PassOver(const std::string& path, const std::string& why);
  void FinishAdopted();
  size_t AdoptedSlots() const;

  GatewayContext& context_;
  RunIdKeeper& run_ids_;
  const size_t index_;
  const std::unique_ptr<metrics::ForwardMetrics> metrics_;
  LoopThread thread_;
  std::unique_ptr<ForwardingStack> forwarding_;
  std::unique_ptr<net::Timer> maintenance_;
  table::CommitListener commits_;

  // Adoption (worker 0).
  struct Adopted {
    WorkQueue queue;
    std::unique_ptr<ForwardingStack> forwarding;
    table::CommitListener commits;
    std::optional<uint64_t> idle_since_ms;  // by the table's rest clock
  };
  // Counts of all adopted tables; gauges of the one that wrote last.
  const std::unique_ptr<metrics::ForwardMetrics> adopted_metrics_;
  std::vector<std::unique_ptr<Adopted>> adopted_;
  table::FolderWatch folder_;
  // Tables that the last look found unlocked, and what the books knew of them then.
  struct Orphan {
    payments::Uuid table;
    std::optional<int64_t> number;
  };
  std::map<std::string, Orphan> orphans_;
  int64_t next_look_ns_ = 0;
  bool draining_ = false;
};

}  // namespace tollgate::app

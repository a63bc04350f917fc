// WorkerThread: a thread that forwards payments. It has a loop with curl, a Redis connection and a
// forwarder. The first worker also adopts tables that no process has locked.
//
// Thread: the main thread constructs, starts and stops it. The rest is its own thread's.
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
  std::future<bool> AskEmpty();  // true: nothing is held and the ring is empty
  void BeginDrain();
  std::future<bool> AskQuiet();
  void Stop() { thread_.StopAndJoin(); }
  // Tells the books that the instance's table is gone. Call it once everything is quiet and the
  // other workers have ended. Waits at most `ms`.
  void SayGone(int64_t ms);

  const metrics::ForwardMetrics& metrics() const { return *metrics_; }
  const metrics::ForwardMetrics& adopted_metrics() const { return *adopted_metrics_; }
  // Why payments are sent where they are now. Thread: any.
  std::future<forward::Routing> AskWhy();

 private:
  void Maintain();
  void LookForOrphans();
  // The reason against adopting the table. Empty: there is none.
  std::string WhyNotAdopt(const std::string& path, const table::TableFacts& facts) const;
  void OnOwner(const std::string& path, const table::TableFacts& facts,
               const ledger::OwnerFacts& owner);
  void Adopt(const std::string& path);
  // Logs one line per path and reason.
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

  // Adoption, by worker 0.
  struct Adopted {
    WorkQueue queue;
    std::unique_ptr<ForwardingStack> forwarding;
    table::CommitListener commits;
    std::optional<uint64_t> idle_since_ms;  // by the table's rest clock
  };
  // The counts of all adopted tables. Gauges are of the table that wrote last.
  const std::unique_ptr<metrics::ForwardMetrics> adopted_metrics_;
  std::vector<std::unique_ptr<Adopted>> adopted_;
  table::FolderWatch folder_;
  // Tables that the last look found unlocked, with their number on the books at that time.
  struct Orphan {
    payments::Uuid table;
    std::optional<int64_t> number;
  };
  std::map<std::string, Orphan> orphans_;
  int64_t next_look_ns_ = 0;
  bool draining_ = false;
};

}  // namespace tollgate::app

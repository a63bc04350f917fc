// WorkerThread: a thread that forwards payments. It has a loop with curl, a Redis connection and a
// forwarder. The first worker also adopts tables that no process has locked (TableAdoption).
//
// Thread: the main thread constructs, starts and stops it. The rest is its own thread's.
// Owns: its loop and everything on it.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "app/forwarding_stack.h"
#include "app/gateway_context.h"
#include "app/loop_thread.h"
#include "app/table_adoption.h"
#include "tollgate/ledger/record_barrier.h"

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
  const metrics::ForwardMetrics& adopted_metrics() const { return adoption_->metrics(); }
  // Why payments are sent where they are now. Thread: any.
  std::future<forward::Routing> AskWhy();

 private:
  // The records of the worker's own table and of adopted ones.
  class Records final : public ledger::RecordGate {
   public:
    explicit Records(WorkerThread& worker) : worker_(worker) {}
    void Hold() override;
    void Release() override;
    ledger::HeldRecords records() const override;

   private:
    WorkerThread& worker_;
  };

  void Maintain();

  GatewayContext& context_;
  RunIdKeeper& run_ids_;
  const size_t index_;
  const std::unique_ptr<metrics::ForwardMetrics> metrics_;
  LoopThread thread_;
  std::unique_ptr<ForwardingStack> forwarding_;
  std::unique_ptr<net::Timer> maintenance_;
  table::CommitListener commits_;
  std::unique_ptr<TableAdoption> adoption_;  // used by the first worker alone
  Records records_{*this};
  std::unique_ptr<ledger::WorkerBarrier> barrier_;  // none if summaries do not wait
};

}  // namespace tollgate::app

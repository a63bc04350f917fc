// AcceptorThread: a thread that accepts payments. It has a loop with an HTTP server, and what
// reads the books for summaries and look-ups.
//
// Thread: the main thread constructs, starts and stops it. The rest is its own thread's.
#pragma once

#include <future>
#include <memory>

#include "app/gateway_context.h"
#include "app/loop_thread.h"
#include "tollgate/api/gateway_handler.h"
#include "tollgate/base/scheduling.h"
#include "tollgate/ledger/books.h"
#include "tollgate/server/http_server.h"
#include "tollgate/server/server_counters.h"

namespace tollgate::app {

class AcceptorThread {
 public:
  AcceptorThread(GatewayContext& context, size_t index);
  ~AcceptorThread();

  // `exclusive`: several acceptors share the descriptor.
  base::Status Listen(int fd, bool exclusive) { return server_->Listen(fd, exclusive); }
  void Start();
  // Thread: main.
  void BeginDrain();
  std::future<bool> AskIdle();
  void Stop() { thread_.StopAndJoin(); }

  const metrics::AcceptorMetrics& metrics() const { return *metrics_; }
  const server::ServerCounters& counters() const { return server_->counters(); }

 private:
  void TakePrecedence();

  const std::unique_ptr<metrics::AcceptorMetrics> metrics_;
  const bool realtime_;
  base::RealtimeBoost boost_;
  LoopThread thread_;
  std::unique_ptr<ledger::Books> books_;
  std::unique_ptr<api::GatewayHandler> handler_;
  std::unique_ptr<server::HttpServer> server_;
  table::CommitListener commits_;
};

}  // namespace tollgate::app

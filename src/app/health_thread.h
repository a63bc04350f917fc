// HealthThread: the lease, the monitor and the admin listener. Payments do not wait for any of
// them.
//
// Thread: the main thread constructs, starts and stops it. The rest is its own thread's.
#pragma once

#include <memory>

#include "app/gateway_context.h"
#include "app/loop_thread.h"
#include "app/silence_watch.h"
#include "tollgate/api/admin_handler.h"
#include "tollgate/health/monitor.h"
#include "tollgate/ledger/lease.h"
#include "tollgate/net/listener.h"
#include "tollgate/server/http_server.h"
#include "tollgate/upstream/http_get.h"

namespace tollgate::app {

class HealthThread {
 public:
  HealthThread(GatewayContext& context, api::AdminPages pages);
  ~HealthThread();

  base::Status ListenAdmin(const std::string& address);
  void Start();
  const SilenceWatch& silence() const { return silence_; }
  // Releases the lease and ends the thread.
  void Stop();

 private:
  LoopThread thread_;
  std::unique_ptr<ledger::LeaseStore> lease_;
  SilenceWatch silence_;
  std::unique_ptr<upstream::HttpGetter> getter_;
  std::unique_ptr<health::Monitor> monitor_;
  std::unique_ptr<api::AdminHandler> admin_;
  base::UniqueFd listener_;  // outlives the server, which watches it
  net::SocketFile socket_file_;
  std::unique_ptr<server::HttpServer> server_;
};

}  // namespace tollgate::app

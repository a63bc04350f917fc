// ForwardingStack: a forwarder with its ledger and its processors' client, on one loop.
//
// Thread: the loop's, but construction before the loop runs.
#pragma once

#include <string_view>

#include "app/gateway_context.h"
#include "tollgate/ledger/redis_ledger.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::app {

class ForwardingStack {
 public:
  ForwardingStack(net::EventLoop& loop, GatewayContext& context, WorkQueue& queue,
                  const forward::ForwarderOptions& options, metrics::ForwardMetrics& metrics);

  void Start() { ledger_.Start(); }
  // After every turn of the loop.
  void Pump();
  forward::Forwarder& forwarder() { return forwarder_; }
  ledger::RedisLedger& ledger() { return ledger_; }
  // Has told this run of the ledger all that there was to tell; empty: not yet. Valid until the
  // loop's next turn.
  std::string_view ReplayedRunId() const;

 private:
  ledger::RedisLedger ledger_;
  upstream::HttpProcessorClient client_;
  forward::Forwarder forwarder_;
  net::Timer timer_;
};

}  // namespace tollgate::app

// ForwardingStack: a forwarder with its ledger and its processors' client, on one loop.
//
// Thread: the loop's. It is constructed before the loop runs, or on it.
#pragma once

#include <memory>
#include <string_view>

#include "app/gateway_context.h"
#include "tollgate/ledger/table_ledger.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::app {

class ForwardingStack {
 public:
  ForwardingStack(net::EventLoop& loop, GatewayContext& context, WorkQueue& queue,
                  const forward::ForwarderOptions& options, metrics::ForwardMetrics& metrics);

  void Start() { ledger_->Start(); }
  // Call it after every turn of the loop.
  void Pump();
  forward::Forwarder& forwarder() { return forwarder_; }
  ledger::TableLedger& ledger() { return *ledger_; }
  // The run of the ledger to which everything has been replayed. Empty: not yet. Valid until the
  // loop's next turn.
  std::string_view ReplayedRunId() const;

 private:
  const std::unique_ptr<ledger::TableLedger> ledger_;
  upstream::HttpProcessorClient client_;
  forward::Forwarder forwarder_;
  net::Timer timer_;
};

}  // namespace tollgate::app

#include "app/forwarding_stack.h"

#include <limits>

namespace tollgate::app {
namespace {

upstream::HttpClientOptions MakeClientOptions(const forward::ForwarderOptions& options) {
  upstream::HttpClientOptions client;
  client.processors = options.processors;
  for (auto& processor : client.processors) {
    processor.in_flight_max = processor.in_flight_max / options.forwarders + 1;
  }
  return client;
}

}  // namespace

ForwardingStack::ForwardingStack(net::EventLoop& loop, GatewayContext& context, WorkQueue& queue,
                                 const forward::ForwarderOptions& options,
                                 metrics::ForwardMetrics& metrics)
    : ledger_(context.place->MakeLedger(loop, context.directory, queue.table->LastLedgerRunId(),
                                        queue.memory.get())),
      client_(loop, MakeClientOptions(options)),
      forwarder_(options, context.directory, *queue.table, *queue.ring, *ledger_, client_,
                 context.health, context.clock, metrics),
      timer_(loop, [] {}) {}  // only ends a wait; Pump runs after every turn

void ForwardingStack::Pump() {
  forwarder_.Pump();
  const int64_t next = forwarder_.NextDeadlineNs();
  if (next == std::numeric_limits<int64_t>::max()) return timer_.Disarm();
  if (!timer_.armed() || timer_.deadline_ns() != next) timer_.Arm(next);
}

std::string_view ForwardingStack::ReplayedRunId() const {
  if (!ledger_->can_claim() || forwarder_.replaying()) return {};
  return ledger_->run_id();
}

}  // namespace tollgate::app

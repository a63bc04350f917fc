#include "app/forwarding.h"

#include <limits>

namespace tollgate::app {
namespace {

ledger::RedisOptions RedisOf(const Shared& shared) {
  ledger::RedisOptions options = shared.config.redis;
  options.tell = TellTheLog();
  options.new_fleet = shared.new_fleet;
  options.accept_loss = shared.config.allow_purge;
  return options;
}

upstream::HttpClientOptions ClientOf(const forward::ForwarderOptions& options) {
  upstream::HttpClientOptions client;
  client.processors = options.processors;
  for (auto& processor : client.processors) {
    processor.in_flight_max = processor.in_flight_max / options.forwarders + 1;
  }
  return client;
}

}  // namespace

Forwarding::Forwarding(net::EventLoop& loop, Shared& shared, Queue& queue,
                       const forward::ForwarderOptions& options, metrics::ForwardMetrics& metrics)
    : ledger_(loop, RedisOf(shared), shared.directory, queue.table->LastLedgerRunId(),
              queue.memory.get()),
      client_(loop, ClientOf(options)),
      forwarder_(options, shared.directory, *queue.table, *queue.ring, ledger_, client_,
                 shared.health, shared.clock, metrics),
      timer_(loop, [] {}) {}  // it only ends a wait: the pump follows every turn

void Forwarding::Pump() {
  forwarder_.Pump();
  const int64_t next = forwarder_.NextDeadlineNs();
  if (next == std::numeric_limits<int64_t>::max()) return timer_.Disarm();
  if (!timer_.armed() || timer_.deadline_ns() != next) timer_.Arm(next);
}

std::string_view Forwarding::ToldRunId() const {
  if (!ledger_.can_claim() || forwarder_.retelling()) return {};
  return ledger_.run_id();
}

}  // namespace tollgate::app

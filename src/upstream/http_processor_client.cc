#include "tollgate/upstream/http_processor_client.h"

#include <array>

#include "tollgate/base/assert.h"
#include "upstream/curl_driver.h"
#include "upstream/endpoint.h"

namespace tollgate::upstream {

struct HttpProcessorClient::Impl final : CurlDriver::Events, Endpoint::Events {
  Impl(net::EventLoop& the_loop, const HttpClientOptions& options)
      : loop(the_loop), driver(the_loop, *this, ConnectionsMax(options)) {
    for (const ProcessorOptions& processor : options.processors) {
      endpoints.push_back(
          std::make_unique<Endpoint>(loop, driver, *this, processor, options.lookups_max, scratch));
    }
  }

  static size_t ConnectionsMax(const HttpClientOptions& options) {
    size_t total = 0;
    for (const ProcessorOptions& processor : options.processors) {
      total += processor.in_flight_max + options.lookups_max;
    }
    return total;
  }

  void OnTransferDone(CURL* easy, CURLcode result) override {
    Connector& connector = Connector::Of(easy);
    connector.endpoint().OnConnectEnd(connector, result);
  }

  void OnExchangeEnd(const Exchange& exchange, const Evidence& evidence,
                     const Answer& answer) override {
    if (exchange.is_lookup) {
      return events->OnLookedUp(exchange.cookie,
                                ClassifyLookup(evidence, answer.body(), exchange.payment.id));
    }
    PostResult result = {.outcome = ClassifyPost(evidence),
                         .http_status = evidence.status,
                         .duration_us = (loop.clock().MonotonicNanos() - exchange.begun_ns) / 1000};
    if (result.outcome == PostOutcome::kOverCapacity) {
      result.retry_after_ms = RetryAfterMs(answer.retry_after(), loop.wall_ms());
    }
    events->OnPosted(exchange.cookie, result);
  }

  net::EventLoop& loop;
  ProcessorEvents* events = nullptr;
  std::array<char, 16 * 1024> scratch;
  CurlDriver driver;  // outlives the endpoints, whose connectors use it
  std::vector<std::unique_ptr<Endpoint>> endpoints;
};

HttpProcessorClient::HttpProcessorClient(net::EventLoop& loop, const HttpClientOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

HttpProcessorClient::~HttpProcessorClient() = default;

void HttpProcessorClient::SetEvents(ProcessorEvents* events) { impl_->events = events; }

bool HttpProcessorClient::Post(const PostRequest& request, uint64_t cookie) {
  TG_ASSERT(impl_->events != nullptr && request.processor < impl_->endpoints.size());
  Endpoint& endpoint = *impl_->endpoints[request.processor];
  Exchange* const exchange = endpoint.NewExchange(false);
  if (exchange == nullptr) return false;
  exchange->payment = request.payment;
  exchange->requested_at_ms = request.requested_at_ms;
  exchange->cookie = cookie;
  endpoint.Begin(*exchange);
  return true;
}

bool HttpProcessorClient::Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                                 uint64_t cookie) {
  TG_ASSERT(impl_->events != nullptr && processor < impl_->endpoints.size());
  Endpoint& endpoint = *impl_->endpoints[processor];
  Exchange* const exchange = endpoint.NewExchange(true);
  if (exchange == nullptr) return false;
  exchange->payment.id = id;
  exchange->cookie = cookie;
  endpoint.Begin(*exchange);
  return true;
}

HttpClientStats HttpProcessorClient::stats() const {
  HttpClientStats stats = {.connections_opened = impl_->driver.connections_opened(),
                           .watch_failures = impl_->driver.watch_failures()};
  for (const auto& endpoint : impl_->endpoints) stats.watch_failures += endpoint->watch_failures();
  return stats;
}

size_t HttpProcessorClient::in_flight() const {
  size_t total = 0;
  for (const auto& endpoint : impl_->endpoints) total += endpoint->in_flight();
  return total;
}

}  // namespace tollgate::upstream

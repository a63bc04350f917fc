#include "tollgate/upstream/curl_processor_client.h"

#include <array>
#include <cstring>
#include <string>

#include "tollgate/base/assert.h"
#include "tollgate/payments/processor_json.h"
#include "upstream/curl_driver.h"
#include "upstream/transfer.h"
#include "upstream/transfer_pool.h"

namespace tollgate::upstream {
namespace {

constexpr const char* kPaymentsPath = "/payments";

size_t ConnectionsMax(const CurlClientOptions& options) {
  size_t total = 0;
  for (const ProcessorOptions& processor : options.processors) {
    total += processor.in_flight_max + options.lookups_max;
  }
  return total;
}

std::string PaymentsUrl(const ProcessorOptions& options) {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  return url + kPaymentsPath;
}

std::vector<std::string> PostHeaders(const ProcessorOptions& options) {
  // "Name:" takes out a header that curl would send: Expect costs a round trip, Accept says
  // nothing.
  std::vector<std::string> lines = {"Content-Type: application/json", "Accept:", "Expect:"};
  lines.insert(lines.end(), options.headers.begin(), options.headers.end());
  return lines;
}

}  // namespace

struct CurlProcessorClient::Impl final : CurlDriver::Events {
  struct Processor {
    Processor(CurlDriver& driver, const ProcessorOptions& options, size_t lookups_max)
        : url(PaymentsUrl(options)), headers(PostHeaders(options)) {
      TransferOptions transfer;
      transfer.url = url;
      transfer.headers = headers.get();
      transfer.connect_timeout_ms = options.connect_timeout_ms;
      // The answer's time does not shrink by that of connecting: a time-out makes an unknown.
      transfer.total_timeout_ms = options.connect_timeout_ms + options.answer_timeout_ms;
      lookups.Fill(driver, transfer, lookups_max);
      transfer.send_once = true;
      posts.Fill(driver, transfer, options.in_flight_max);
      posts.ForEach([](Transfer& each) { each.MakePost(); });
      lookups.ForEach([](Transfer& each) { each.is_lookup = true; });
    }
    const std::string url;
    const HeaderList headers;
    TransferPool posts;
    TransferPool lookups;
  };

  Impl(net::EventLoop& the_loop, const CurlClientOptions& options)
      : loop(the_loop), driver(the_loop, *this, ConnectionsMax(options)) {
    for (const ProcessorOptions& processor : options.processors) {
      processors.push_back(std::make_unique<Processor>(driver, processor, options.lookups_max));
    }
  }

  ~Impl() override {
    const auto cancel = [this](Transfer& transfer) {
      if (transfer.in_use) driver.Cancel(transfer.easy());
    };
    for (const auto& processor : processors) {
      processor->posts.ForEach(cancel);
      processor->lookups.ForEach(cancel);
    }
  }

  bool Start(TransferPool& pool, Transfer& transfer, payments::ProcessorId processor,
             uint64_t cookie) {
    transfer.processor = processor;
    transfer.cookie = cookie;
    transfer.Begin(loop.clock().MonotonicNanos());
    if (driver.Start(transfer.easy())) {
      ++in_flight;
      return true;
    }
    pool.GiveBack(transfer);
    return false;
  }

  void OnTransferDone(CURL* easy, CURLcode result) override {
    Transfer& transfer = Transfer::Of(easy);
    --in_flight;
    if (transfer.is_lookup) {
      FinishLookup(transfer, result);
    } else {
      FinishPost(transfer, result);
    }
  }

  void FinishPost(Transfer& transfer, CURLcode result) {
    const Evidence evidence = transfer.Collect(result);
    if (evidence.requests_begun > 1) ++resends_stopped;
    const PostResult post = {
        .outcome = ClassifyPost(evidence),
        .http_status = evidence.status,
        .duration_us = (loop.clock().MonotonicNanos() - transfer.begun_ns()) / 1000};
    const uint64_t cookie = transfer.cookie;
    processors[transfer.processor]->posts.GiveBack(transfer);  // the event may post again
    events->OnPosted(cookie, post);
  }

  void FinishLookup(Transfer& transfer, CURLcode result) {
    const LookupResult lookup =
        ClassifyLookup(transfer.Collect(result), transfer.answer().body(), transfer.id);
    const uint64_t cookie = transfer.cookie;
    processors[transfer.processor]->lookups.GiveBack(transfer);
    events->OnLookedUp(cookie, lookup);
  }

  net::EventLoop& loop;
  ProcessorEvents* events = nullptr;
  CurlDriver driver;  // outlives the handles below, whose connections it closes
  std::vector<std::unique_ptr<Processor>> processors;
  size_t in_flight = 0;
  uint64_t resends_stopped = 0;
};

CurlProcessorClient::CurlProcessorClient(net::EventLoop& loop, const CurlClientOptions& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

CurlProcessorClient::~CurlProcessorClient() = default;

void CurlProcessorClient::SetEvents(ProcessorEvents* events) { impl_->events = events; }

bool CurlProcessorClient::Post(const PostRequest& request, uint64_t cookie) {
  TG_ASSERT(impl_->events != nullptr && request.processor < impl_->processors.size());
  TransferPool& pool = impl_->processors[request.processor]->posts;
  Transfer* const transfer = pool.Take();
  if (transfer == nullptr) return false;
  transfer->SetBodySize(payments::FormatProcessorPayment(request.payment, request.requested_at_ms,
                                                         transfer->body_buffer()));
  return impl_->Start(pool, *transfer, request.processor, cookie);
}

bool CurlProcessorClient::Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                                 uint64_t cookie) {
  TG_ASSERT(impl_->events != nullptr && processor < impl_->processors.size());
  TransferPool& pool = impl_->processors[processor]->lookups;
  Transfer* const transfer = pool.Take();
  if (transfer == nullptr) return false;
  transfer->id = id;
  // Off the usual way of a payment: it allocates, as curl does for every URL.
  const std::string url = impl_->processors[processor]->url + "/" + payments::ToString(id);
  if (!transfer->SetUrl(url.c_str())) {
    pool.GiveBack(*transfer);
    return false;
  }
  return impl_->Start(pool, *transfer, processor, cookie);
}

CurlClientStats CurlProcessorClient::stats() const {
  return {.connections_opened = impl_->driver.connections_opened(),
          .watch_failures = impl_->driver.watch_failures(),
          .resends_stopped = impl_->resends_stopped};
}

size_t CurlProcessorClient::in_flight() const { return impl_->in_flight; }

}  // namespace tollgate::upstream

// HttpProcessorClient: ProcessorClient over HTTP/1.1 on the worker's loop. libcurl makes the
// connections (names, TCP, TLS). This room sends and reads on them itself, so a request is one
// write, an answer is one read, and nothing is resent automatically. Connections are kept and
// reused, with one request at a time on each.
//
// Thread: the loop's.
// Owns: the connections, opened as needed, and the exchanges (allocated at construction).
// Invariants: a POST is written at most once per call of Post. Each call that returned true ends in
// exactly one event. If the client is destroyed first, there is no event and the outcome is
// unknown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/processor_client.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::upstream {

struct HttpClientOptions {
  // Index is the ProcessorId. in_flight_max is this client's own part of the POSTs in flight.
  std::vector<ProcessorOptions> processors;
  size_t lookups_max = 32;  // look-ups in flight per processor, besides in_flight_max
};

struct HttpClientStats {
  uint64_t connections_opened = 0;
  uint64_t watch_failures = 0;  // sockets that the kernel refused to watch
};

class HttpProcessorClient final : public ProcessorClient {
 public:
  // The loop outlives the client. REQUIRES: every URL is "http://host[:port]" or https.
  HttpProcessorClient(net::EventLoop& loop, const HttpClientOptions& options);
  ~HttpProcessorClient() override;
  HttpProcessorClient(const HttpProcessorClient&) = delete;
  HttpProcessorClient& operator=(const HttpProcessorClient&) = delete;

  void SetEvents(ProcessorEvents* events) override;
  [[nodiscard]] bool Post(const PostRequest& request, uint64_t cookie) override;
  [[nodiscard]] bool Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                            uint64_t cookie) override;

  HttpClientStats stats() const;
  size_t in_flight() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::upstream

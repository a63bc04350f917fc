// HttpProcessorClient: ProcessorClient over HTTP/1.1 on the worker's loop. libcurl makes the
// connections (names, TCP, TLS), this room speaks on them: a request is one write, an answer one
// read, and nothing is ever sent again unasked. Connections are kept and reused, one request at a
// time on each.
//
// Thread: the loop's.
// Owns: the connections, opened as they are needed, and the exchanges (allocated at construction).
// Invariants: a POST is written at most once per call of Post; each call that returned true ends in
// exactly one event, unless the client is destroyed first: then none, and what was in flight is
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
  // Index is the ProcessorId. in_flight_max is here this client's own part: its POSTs in flight.
  std::vector<ProcessorOptions> processors;
  size_t lookups_max = 32;  // look-ups in flight per processor, beside in_flight_max
};

struct HttpClientStats {
  uint64_t connections_opened = 0;
  uint64_t watch_failures = 0;  // sockets that the kernel refused to watch
};

class HttpProcessorClient final : public ProcessorClient {
 public:
  // The loop outlives it. REQUIRES: every URL is "http://host[:port]" or https.
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

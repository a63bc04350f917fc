// CurlProcessorClient: ProcessorClient over HTTP/1.1, libcurl's multi interface on the worker's
// loop. Connections are kept and reused, one request at a time on each.
//
// Thread: the loop's.
// Owns: the transfer handles (allocated at construction, sized by the options) and connections.
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

struct CurlClientOptions {
  // Index is the ProcessorId. in_flight_max is here this client's own part: its POST handles.
  std::vector<ProcessorOptions> processors;
  size_t lookups_max = 32;  // look-ups in flight per processor, beside in_flight_max
};

struct CurlClientStats {
  uint64_t connections_opened = 0;
  uint64_t watch_failures = 0;   // sockets that the kernel refused to watch; they time out
  uint64_t resends_stopped = 0;  // curl wanted to send a payment a second time
};

class CurlProcessorClient final : public ProcessorClient {
 public:
  // The loop outlives it. REQUIRES: every URL is "http://host[:port]" or https.
  CurlProcessorClient(net::EventLoop& loop, const CurlClientOptions& options);
  ~CurlProcessorClient() override;
  CurlProcessorClient(const CurlProcessorClient&) = delete;
  CurlProcessorClient& operator=(const CurlProcessorClient&) = delete;

  void SetEvents(ProcessorEvents* events) override;
  [[nodiscard]] bool Post(const PostRequest& request, uint64_t cookie) override;
  [[nodiscard]] bool Lookup(const payments::Uuid& id, payments::ProcessorId processor,
                            uint64_t cookie) override;

  CurlClientStats stats() const;
  size_t in_flight() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::upstream

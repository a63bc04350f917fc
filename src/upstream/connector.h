// Connector: a pooled easy handle that makes connections to one processor. curl does name
// resolution, TCP and, for https, TLS. connection.h does the HTTP, so that a payment is written at
// most once: curl's own transfers are sent again when a kept connection drops (lib/transfer.c,
// Curl_retry_request; no option turns it off).
//
// A plain connection is taken over (CurlDriver::TakeOver), and the handle is free again. Under TLS
// the session lives in the handle, so the handle stays with its connection.
//
// Thread: the loop's.
// Owns: the easy handle.
#pragma once

#include <curl/curl.h>

#include <cstdint>

#include "tollgate/upstream/processor_options.h"
#include "upstream/curl_driver.h"
#include "upstream/curl_options.h"

namespace tollgate::upstream {

class Endpoint;

class Connector {
 public:
  Connector(CurlDriver& driver, Endpoint& endpoint, const ProcessorOptions& options);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // The connector of a finished handle. REQUIRES: all handles of its driver are connectors'.
  static Connector& Of(CURL* easy);

  CURL* easy() const { return easy_; }
  Endpoint& endpoint() const { return endpoint_; }

  // False if curl refuses (out of memory). `stale_name`: do not use the cached addresses.
  [[nodiscard]] bool Start(bool stale_name);
  // After connecting: microseconds from the first address that was tried, without name resolution.
  int64_t ConnectUs() const;
  // Ends the present attempt. Closes its connection if it was not taken over.
  void Stop();

 private:
  CurlDriver& driver_;
  Endpoint& endpoint_;
  const StaleName name_;
  CURL* const easy_;
  bool started_ = false;
};

}  // namespace tollgate::upstream

// Connector: a pooled easy handle that makes connections to one processor: names, TCP and, for
// https, TLS are curl's. What is said on a connection is ours (connection.h), so that a payment is
// written at most once: curl's own transfers send again, unasked, when a kept connection drops
// (lib/transfer.c, Curl_retry_request; no option turns it off).
//
// A plain connection is taken over (CurlDriver::TakeOver) and the handle is free again. Under TLS
// the session lives in the handle, so that it stays with its connection.
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

  // Of a finished handle of a driver that serves connectors alone.
  static Connector& Of(CURL* easy);

  CURL* easy() const { return easy_; }
  Endpoint& endpoint() const { return endpoint_; }

  // False if curl refuses (out of memory). `stale_name`: the addresses that are known are not to be
  // believed.
  [[nodiscard]] bool Start(bool stale_name);
  // After a connection: how long it took, the name apart, from the first address that was tried.
  int64_t ConnectUs() const;
  // Ends what it is at, and closes its connection if that was not taken over.
  void Stop();

 private:
  CurlDriver& driver_;
  Endpoint& endpoint_;
  const StaleName name_;
  CURL* const easy_;
  bool started_ = false;
};

}  // namespace tollgate::upstream

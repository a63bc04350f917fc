// What an HTTP server may use, and how long it waits for its clients.
//
// Thread: a value type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tollgate/http/parser_limits.h"

namespace tollgate::server {

struct ServerOptions {
  http::ParserLimits parser;
  size_t connections_max = 16 * 1024;  // of one server
  // For incomplete requests and unsent answers. A ServerGroup has its own bound instead.
  size_t memory_bytes_max = 64 * 1024 * 1024;
  int send_buffer_bytes =
      0;  // of the kernel, per connection (it allocates twice that); 0: its default
  size_t pipeline_max = 64;  // requests read and not yet answered, per connection
  int64_t header_timeout_ms = 10'000;
  int64_t body_timeout_ms = 10'000;
  int64_t idle_timeout_ms = 60'000;
  int64_t write_timeout_ms = 10'000;  // for a client that does not read its answers
};

}  // namespace tollgate::server

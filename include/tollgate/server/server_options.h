// What an HTTP server may take, and how long it waits for its clients.
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
  // For requests that are not whole and answers that are not sent, without a group to say so.
  size_t memory_bytes_max = 64 * 1024 * 1024;
  int send_buffer_bytes = 0;  // the kernel's, per connection (it takes twice that); 0: its default
  size_t pipeline_max = 64;   // requests taken in and not yet answered, per connection
  int64_t header_timeout_ms = 10'000;
  int64_t body_timeout_ms = 10'000;
  int64_t idle_timeout_ms = 60'000;
  int64_t write_timeout_ms = 10'000;  // a client that does not read its answers
};

}  // namespace tollgate::server

// HttpServer: connections, time limits, pipelining in order; knows no payments. One instance per
// event loop; several may share a Unix listening descriptor (EPOLLEXCLUSIVE), and be a group, which
// has one bound on memory and spreads connections evenly (server_group.h).
//
// A connection has memory only while a request is not whole or an answer is not sent. Without
// memory a whole request is answered all the same, were it the only one; half of one is answered
// 503. With connections_max inside, whoever has kept the server waiting for longest goes first:
// first those who have been idle for kEvictIdleAfterMs, then those with half a request since
// kEvictAfterMs (503); while there is none the next one waits outside.
//
// Thread: the loop's thread only.
// Owns: its connections, buffers and listening descriptors.
// Invariants: answers leave in the order of their requests, also when they are given out of order;
// out of descriptors (EMFILE, ENFILE) it stops accepting for a while and never spins; bytes behind
// a framing error are never read as a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/http/request.h"
#include "tollgate/http/request_parser.h"
#include "tollgate/http/response.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/server/server_options.h"

namespace tollgate::server {

class ServerGroup;
// What a server counts; written by its thread, read by any (relaxed).
struct ServerCounters;

// The right, and duty, to answer one request, once. May be kept and used later (deferred): it
// names the connection by index and generation, so answering a connection that has gone is
// harmless. Copyable; the last use counts, a second answer is ignored by TG_ASSERT in debug.
class HttpServer;
class Responder {
 public:
  Responder() = default;
  void Send(const http::StaticResponse& response);
  void Send(int status, std::string_view content_type, std::string_view body,
            std::string_view extra_headers = {});
  void SendProblem(int status, std::string_view detail, std::string_view extra_headers = {});
  // Ends the connection at once without an answer (RST): a fault switch of the simulator. Within
  // OnRequest, the request's views die with it.
  void Abort();
  // Writes `bytes` as they are in place of an answer, then closes: a fault switch as well.
  void SendRawAndClose(std::string_view bytes);
  // The first bytes of an answer as they are, ahead of the rest, which SendRawAndClose gives: a
  // fault switch as well. Nothing is sent while an earlier request waits for its answer.
  void SendPart(std::string_view bytes);
  // False once the client has gone or has sent its last byte. An answer is sent all the same: a
  // client that closed only its own direction waits for it.
  bool alive() const;

 private:
  friend class HttpServer;
  HttpServer* server_ = nullptr;
  uint32_t connection_ = 0;
  uint32_t generation_ = 0;
  uint32_t sequence_ = 0;
};

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // Called on the server's loop. The request's views are valid only during the call; behind its
  // body kBodyPaddingBytes are readable. The handler answers `responder` now or later.
  virtual void OnRequest(const http::Request& request, Responder responder) = 0;
};

inline constexpr size_t kBodyPaddingBytes = 64;
inline constexpr int64_t kEvictAfterMs = 250;
// So little that a crowd of idle clients holds up for a second at most who comes behind it.
inline constexpr int64_t kEvictIdleAfterMs = 50;

class HttpServer {
 public:
  // In a group of its own, or in `group`, which outlives it. REQUIRES: no loop of it runs yet.
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler);
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
             ServerGroup& group);
  ~HttpServer();

  // Accepts from `listener` (not owned when shared among servers: see `exclusive`).
  // `exclusive`: EPOLLEXCLUSIVE, for a Unix descriptor that several loops watch.
  base::Status Listen(int listener_fd, bool exclusive);

  // Draining: accept no more, close idle connections, answer what is in with "Connection: close".
  void StartDrain();
  size_t connection_count() const;
  // No connection has a request that is unanswered or an answer that is unsent, and none is on its
  // way to another server.
  bool idle() const;

  const ServerCounters& counters() const;

 private:
  friend class Responder;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::server

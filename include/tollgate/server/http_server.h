// HttpServer: connections, time limits, and pipelining in order. It knows nothing of payments.
// There is one instance per event loop. Several may share a Unix listening descriptor
// (EPOLLEXCLUSIVE). Several may form a group, which has one bound on memory and spreads connections
// evenly (server_group.h).
//
// A connection has memory only while a request is incomplete or an answer is unsent. When memory is
// used up, a complete request is still answered, and an incomplete one gets 503. At
// connections_max, a new client replaces the connection that has kept the server waiting for
// longest: first one that has been idle for kEvictIdleAfterMs, then one whose request has been
// incomplete for kEvictAfterMs (503). If there is none, the new client stays in the backlog.
//
// Thread: the loop's thread only.
// Owns: its connections and buffers. Not: the listening descriptors.
// Invariants: answers leave in the order of their requests, even if they are given out of order.
// Without descriptors (EMFILE, ENFILE) it pauses accepting and never spins. Bytes after a framing
// error are never read as a request.
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
// What a server counts. Its thread writes, any thread reads (relaxed).
struct ServerCounters;

// The right and duty to answer one request once. It may be kept and used later (deferred). It names
// the connection by index and generation, so an answer to a connection that has ended does nothing.
// Copyable, but a second answer is a programmer error (TG_ASSERT).
class HttpServer;
class Responder {
 public:
  Responder() = default;
  void Send(const http::StaticResponse& response);
  void Send(int status, std::string_view content_type, std::string_view body,
            std::string_view extra_headers = {});
  void SendProblem(int status, std::string_view detail, std::string_view extra_headers = {});
  // Ends the connection at once without an answer (RST). A fault switch of the simulator. Within
  // OnRequest, the request's views become invalid.
  void Abort();
  // Sends `bytes` as they are instead of an answer, then closes. A fault switch too.
  void SendRawAndClose(std::string_view bytes);
  // Sends the first bytes of an answer as they are. SendRawAndClose sends the rest. A fault switch
  // too. Sends nothing while an earlier request waits for its answer.
  void SendPart(std::string_view bytes);
  // False once the client has gone or has sent its last byte. An answer is still sent, because a
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
  // Called on the server's loop. The request's views are valid only during the call. After its
  // body, kBodyPaddingBytes more are readable. The handler answers `responder` now or later.
  virtual void OnRequest(const http::Request& request, Responder responder) = 0;
};

inline constexpr size_t kBodyPaddingBytes = 64;
inline constexpr int64_t kEvictAfterMs = 250;
// Short, so that many idle clients delay a new one by at most a second.
inline constexpr int64_t kEvictIdleAfterMs = 50;

class HttpServer {
 public:
  // Without `group` the server forms a group of its own. `group` must outlive the server. REQUIRES:
  // no loop of the group runs yet.
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler);
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
             ServerGroup& group);
  ~HttpServer();

  // Accepts from `listener_fd`, which the caller owns and keeps open. `exclusive`: EPOLLEXCLUSIVE,
  // for a Unix descriptor that several loops watch.
  base::Status Listen(int listener_fd, bool exclusive);

  // Drains: accepts no more, closes idle connections, and answers the requests that have arrived
  // with "Connection: close".
  void StartDrain();
  size_t connection_count() const;
  // True if no connection has an unanswered request or an unsent answer, and none is on its way to
  // another server.
  bool idle() const;

  const ServerCounters& counters() const;

 private:
  friend class Responder;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::server

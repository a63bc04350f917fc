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
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/http/request.h"
#include "tollgate/http/request_parser.h"
#include "tollgate/http/response.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/server/acceptor.h"
#include "tollgate/server/server_counters.h"
#include "tollgate/server/server_group.h"
#include "tollgate/server/server_options.h"

namespace tollgate::server {

// The parts of a server (src/server).
struct Connection;
struct Owed;
class Deadlines;
enum class Waiting : uint8_t;

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

// The implementation: http_server.cc has the connections, memory.cc their buffers, reading.cc the
// path from the socket to the handler, answering.cc the path back, and waiting.cc the time limits
// and evictions.
// Members: the lists and buffers that all connections of a server share.
class HttpServer final : private GroupMember, private AcceptorOwner {
 public:
  // Without `group` the server forms a group of its own. `group` must outlive the server. REQUIRES:
  // no loop of the group runs yet.
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler);
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
             ServerGroup& group);
  ~HttpServer() override;

  // Accepts from `listener_fd`, which the caller owns and keeps open. `exclusive`: EPOLLEXCLUSIVE,
  // for a Unix descriptor that several loops watch.
  base::Status Listen(int listener_fd, bool exclusive);

  // Drains: accepts no more, closes idle connections, and answers the requests that have arrived
  // with "Connection: close".
  void StartDrain();
  size_t connection_count() const { return open_; }
  // True if no connection has an unanswered request or an unsent answer, and none is on its way to
  // another server.
  bool idle() const;

  // Its thread writes, any thread reads (relaxed).
  const ServerCounters& counters() const { return counters_; }

 private:
  friend class Responder;
  friend struct Connection;

  // `group` null: the server forms a group of its own.
  HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
             ServerGroup* group);

  // --- http_server.cc
  net::EventLoop& member_loop() override { return loop_; }
  void TakeIn(base::UniqueFd fd) override;
  void AcceptOnce() override;
  bool HasRoom() const override;
  bool MakeRoom() override { return EvictOne(); }
  void OnAccepted(base::UniqueFd fd) override;
  void OnNoRoom() override { group_.AskOthersToAccept(seat_); }
  bool FreeDescriptors() override;
  void OnPause() override { counters_.accept_pauses.Add(); }
  std::string_view refusal() const override { return full_.closing(); }
  void Close(Connection& connection);
  void LookForRequest(Connection& connection);

  // --- memory.cc
  void TakeBuffer(Connection& connection);
  void GiveBuffer(Connection& connection);
  std::unique_ptr<char[]> NewUsualBuffer();
  enum class Room : uint8_t { kMade, kTooLarge, kNoMemory };
  Room MakeInputRoom(Connection& connection);
  void ShrinkInput(Connection& connection);
  void SettleInput(Connection& connection);
  void GiveOutput(Connection& connection);
  bool Charge(Connection& connection);

  // --- reading.cc
  void OnConnectionEvents(uint32_t index, uint32_t events);
  bool Receive(Connection& connection);
  void HandleRequests(Connection& connection);
  size_t HandOut(Connection& connection);
  void Consume(Connection& connection, size_t done);
  void RefuseRequest(Connection& connection, int status, std::string_view detail,
                     std::string_view extra_headers = {});
  void RefuseForMemory(Connection& connection);

  // --- waiting.cc
  void Watch(Connection& connection, uint32_t events);
  void Settle(Connection& connection);
  void Linger(Connection& connection);
  void Discard(Connection& connection);
  void ArmTimer();
  void OnTimer();
  void Expire(Connection& connection);
  bool EvictOne();
  bool EvictFrom(Waiting kind, int64_t since_ns);

  // --- answering.cc
  Connection* Find(uint32_t index, uint32_t generation);
  void Render(std::string& out, const Owed& owed, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body) const;
  std::string* Open(Connection& connection, uint32_t sequence);
  void Finish(Connection& connection, uint32_t sequence);
  void Advance(Connection& connection);
  void Continue(Connection& connection);
  void Answer(Connection& connection, uint32_t sequence, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body);
  bool Send(Connection& connection);

  net::EventLoop& loop_;
  const ServerOptions options_;
  RequestHandler& handler_;
  const std::unique_ptr<ServerGroup> own_group_;
  ServerGroup& group_;
  const size_t seat_;
  const http::StaticResponse full_ = http::StaticResponse::Problem(
      503, "too many connections; come again a little later", "Retry-After: 1\r\n");
  ServerCounters counters_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<uint32_t> free_;
  std::vector<std::unique_ptr<char[]>> buffers_;  // of the usual size, not in use
  std::unique_ptr<char[]> reserve_;               // a spare buffer for when memory is used up
  std::vector<std::string> outputs_;              // empty, with capacity
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  const std::unique_ptr<Deadlines> deadlines_;
  net::Timer timer_;
  size_t open_ = 0;
  bool draining_ = false;
};

}  // namespace tollgate::server

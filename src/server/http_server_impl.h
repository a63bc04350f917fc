// The server behind HttpServer. http_server.cc has connections and time limits, answering.cc the
// way from an answer to the socket.
//
// Thread: the server's loop.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "server/acceptor.h"
#include "server/connection.h"
#include "server/deadlines.h"
#include "tollgate/server/http_server.h"
#include "tollgate/server/server_counters.h"

namespace tollgate::server {

struct HttpServer::Impl final : public ConnectionEvents {
  Impl(HttpServer& self_in, net::EventLoop& loop_in, const ServerOptions& options_in,
       RequestHandler& handler_in);
  ~Impl() override;

  // --- http_server.cc
  void OnAccepted(base::UniqueFd fd);
  void OnConnectionEvents(uint32_t index, uint32_t events) override;
  // False: the connection has ended.
  bool Receive(Connection& it);
  bool MakeRoom(Connection& it);
  void HandleRequests(Connection& it);
  void HandOut(Connection& it);
  void RefuseRequest(Connection& it, int status, std::string_view detail);
  void Settle(Connection& it);
  void Watch(Connection& it, uint32_t events);
  void Discard(Connection& it);
  void Close(Connection& it);
  void OnTimer();
  void Expire(Connection& it);
  void ArmTimer();
  void StartDrain();
  bool Idle() const;

  // --- answering.cc
  Connection* Find(uint32_t index, uint32_t generation);
  void Answer(Connection& it, uint32_t sequence, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body);
  void Render(std::string& out, const Owed& owed, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body) const;
  void Advance(Connection& it);
  bool Send(Connection& it);

  HttpServer& self;
  net::EventLoop& loop;
  const ServerOptions options;
  RequestHandler& handler;
  ServerCounters counters;
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<uint32_t> free;
  std::vector<std::unique_ptr<char[]>> buffers;  // of the usual size, not in use
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  Deadlines deadlines;
  net::Timer timer;
  size_t open = 0;
  bool draining = false;
};

}  // namespace tollgate::server

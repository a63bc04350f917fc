// The server behind HttpServer. http_server.cc has the connections, reading.cc the way from the
// socket to the handler, answering.cc the way back, waiting.cc what they wait for and how long.
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

// An input buffer without its padding, unless a request is larger.
inline constexpr size_t kUsualInputBytes = 4096 - kBodyPaddingBytes;

struct HttpServer::Impl final : public ConnectionEvents {
  Impl(HttpServer& self_in, net::EventLoop& loop_in, const ServerOptions& options_in,
       RequestHandler& handler_in);
  ~Impl() override;

  // --- http_server.cc
  void OnAccepted(base::UniqueFd fd);
  void Close(Connection& it);
  void TakeBuffer(Connection& it);
  void GiveBuffer(Connection& it);
  void StartDrain();
  bool Idle() const;

  // --- reading.cc
  void OnConnectionEvents(uint32_t index, uint32_t events) override;
  bool Receive(Connection& it);
  bool MakeRoom(Connection& it);
  void HandleRequests(Connection& it);
  size_t HandOut(Connection& it);
  void Consume(Connection& it, size_t done);
  void RefuseRequest(Connection& it, int status, std::string_view detail);

  // --- waiting.cc
  void Watch(Connection& it, uint32_t events);
  void Settle(Connection& it);
  void Linger(Connection& it);
  void Discard(Connection& it);
  void ArmTimer();
  void OnTimer();
  void Expire(Connection& it);

  // --- answering.cc
  Connection* Find(uint32_t index, uint32_t generation);
  void Render(std::string& out, const Owed& owed, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body) const;
  std::string* Open(Connection& it, uint32_t sequence);
  void Finish(Connection& it, uint32_t sequence);
  void Advance(Connection& it);
  void Continue(Connection& it);
  void Answer(Connection& it, uint32_t sequence, const http::StaticResponse* fixed,
              const http::ResponseHead& head, std::string_view body);
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

// The implementation of HttpServer. http_server.cc has the connections, memory.cc their buffers,
// reading.cc the path from the socket to the handler, answering.cc the path back, and waiting.cc
// the time limits and evictions.
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
#include "tollgate/server/server_group.h"

namespace tollgate::server {

// The size of an input buffer without its padding. A larger request gets a larger buffer.
inline constexpr size_t kUsualInputBytes = 4096 - kBodyPaddingBytes;
inline constexpr size_t kSpareBuffersMax = 64;
inline constexpr size_t kSpareOutputsMax = 64;

// Members: the lists and buffers that all connections of a server share.
struct HttpServer::Impl final : public ConnectionEvents, public GroupMember, public AcceptorOwner {
  // `group_in` null: the server forms a group of its own.
  Impl(HttpServer& self_in, net::EventLoop& loop_in, const ServerOptions& options_in,
       RequestHandler& handler_in, ServerGroup* group_in);
  ~Impl() override;

  // --- http_server.cc
  net::EventLoop& member_loop() override { return loop; }
  void TakeIn(base::UniqueFd fd) override;
  void AcceptOnce() override;
  bool HasRoom() const override { return group.least_count() < options.connections_max; }
  bool MakeRoom() override { return EvictOne(); }
  void OnAccepted(base::UniqueFd fd) override;
  void OnNoRoom() override { group.AskOthersToAccept(seat); }
  bool FreeDescriptors() override;
  void OnPause() override { counters.accept_pauses.Add(); }
  std::string_view refusal() const override { return full.closing(); }
  void Close(Connection& connection);
  void LookForRequest(Connection& connection);
  void StartDrain();
  bool Idle() const;

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
  void OnConnectionEvents(uint32_t index, uint32_t events) override;
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

  HttpServer& self;
  net::EventLoop& loop;
  const ServerOptions options;
  RequestHandler& handler;
  const std::unique_ptr<ServerGroup> own_group;
  ServerGroup& group;
  const size_t seat;
  const http::StaticResponse full = http::StaticResponse::Problem(
      503, "too many connections; come again a little later", "Retry-After: 1\r\n");
  ServerCounters counters;
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<uint32_t> free;
  std::vector<std::unique_ptr<char[]>> buffers;  // of the usual size, not in use
  std::unique_ptr<char[]> reserve;               // a spare buffer for when memory is used up
  std::vector<std::string> outputs;              // empty, with capacity
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  Deadlines deadlines;
  net::Timer timer;
  size_t open = 0;
  bool draining = false;
};

}  // namespace tollgate::server

#include "tollgate/server/http_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "server/http_server_impl.h"

namespace tollgate::server {
namespace {

constexpr int64_t kLingerMs = 1'000;
// Evicted at once when the process has no descriptors left, so that its other parts get some too.
constexpr int kEvictedForDescriptors = 8;

}  // namespace

HttpServer::Impl::Impl(HttpServer& self_in, net::EventLoop& loop_in,
                       const ServerOptions& options_in, RequestHandler& handler_in,
                       ServerGroup* group_in)
    : self(self_in),
      loop(loop_in),
      options(options_in),
      handler(handler_in),
      own_group(group_in != nullptr ? nullptr
                                    : std::make_unique<ServerGroup>(options_in.memory_bytes_max)),
      group(group_in != nullptr ? *group_in : *own_group),
      seat(group.Join(*this)),
      deadlines({options.header_timeout_ms, options.body_timeout_ms, options.idle_timeout_ms,
                 options.write_timeout_ms, kLingerMs}),
      timer(loop_in, [this] { OnTimer(); }) {
  buffers.reserve(kSpareBuffersMax);
  outputs.reserve(kSpareOutputsMax);
  reserve = std::make_unique_for_overwrite<char[]>(kUsualInputBytes + kBodyPaddingBytes);
}

HttpServer::Impl::~Impl() {
  acceptors.clear();
  for (auto& connection : connections) {
    if (connection->fd.valid()) Close(*connection);
  }
  group.GiveMemory(buffers.size() * (kUsualInputBytes + kBodyPaddingBytes));
}

void HttpServer::Impl::OnAccepted(base::UniqueFd fd) {
  const size_t whose = group.Place(seat, options.connections_max);
  if (whose != seat) return group.HandOver(whose, std::move(fd));
  TakeIn(std::move(fd));
}

// Begins a connection that is counted with this server.
void HttpServer::Impl::TakeIn(base::UniqueFd fd) {
  if (options.send_buffer_bytes > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &options.send_buffer_bytes,
                 sizeof(options.send_buffer_bytes));
  }
  if (free.empty()) {
    const auto index = static_cast<uint32_t>(connections.size());
    connections.push_back(std::make_unique<Connection>(*this, index, options.parser,
                                                       std::max<size_t>(options.pipeline_max, 1)));
    free.push_back(index);
  }
  Connection& connection = *connections[free.back()];
  if (!loop.Add(fd.get(), EPOLLIN, &connection).ok())
    return group.Leave(seat);  // the client sees the connection close
  free.pop_back();
  connection.fd = std::move(fd);
  connection.watched = EPOLLIN;
  connection.parser.Reset();
  ++open;
  counters.connections.Add();
  deadlines.Set(connection, Waiting::kIdle, loop.now_ns());
  ArmTimer();
  if (draining) LookForRequest(connection);  // it was handed over when the drain began
}

void HttpServer::Impl::AcceptOnce() {
  for (auto& acceptor : acceptors) acceptor->AcceptForAnother();
}

bool HttpServer::Impl::FreeDescriptors() {
  int ended = 0;
  while (ended < kEvictedForDescriptors && EvictOne()) ++ended;
  return ended > 0;
}

void HttpServer::Impl::Close(Connection& connection) {
  deadlines.Clear(connection);
  loop.Remove(connection.fd.get());
  connection.fd.reset();
  ++connection.generation;
  GiveBuffer(connection);
  GiveOutput(connection);
  std::vector<std::string>().swap(connection.later);
  if (connection.charged_bytes != 0) group.GiveMemory(std::exchange(connection.charged_bytes, 0));
  connection.input_used = connection.drained_bytes = 0;
  connection.first_sequence = connection.next_sequence = 0;
  connection.reading = true;
  connection.in_turn = connection.stalled = connection.peer_done = connection.continue_due = false;
  connection.close_when_sent = connection.linger = false;
  free.push_back(connection.index);
  --open;
  group.Leave(seat);
  counters.closed.Add();
  for (auto& acceptor : acceptors) acceptor->RoomAgain();
}

// Handles a request that may have arrived without an event yet.
void HttpServer::Impl::LookForRequest(Connection& connection) {
  if (!Receive(connection)) return;
  HandleRequests(connection);
  if (connection.fd.valid()) Settle(connection);
}

void HttpServer::Impl::StartDrain() {
  draining = true;
  group.StopHandingOver();
  for (auto& acceptor : acceptors) acceptor->Stop();
  for (size_t index = 0; index < connections.size(); ++index) {
    Connection& connection = *connections[index];
    const bool quiet = connection.fd.valid() && connection.waiting != Waiting::kLinger &&
                       connection.owed_count() == 0 && connection.output.empty() &&
                       !connection.stalled;
    if (quiet) LookForRequest(connection);
  }
}

bool HttpServer::Impl::Idle() const {
  return !group.handing_over() &&
         std::all_of(connections.begin(), connections.end(), [](const auto& connection) {
           return !connection->fd.valid() || (connection->owed_count() == 0 &&
                                              connection->output.empty() && !connection->stalled);
         });
}

// --- The class itself.

HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler)
    : impl_(std::make_unique<Impl>(*this, loop, options, handler, nullptr)) {}
HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
                       ServerGroup& group)
    : impl_(std::make_unique<Impl>(*this, loop, options, handler, &group)) {}
HttpServer::~HttpServer() = default;

base::Status HttpServer::Listen(int listener_fd, bool exclusive) {
  Impl& impl = *impl_;
  impl.acceptors.push_back(std::make_unique<Acceptor>(impl.loop, listener_fd, exclusive, impl));
  return impl.acceptors.back()->Start();
}

void HttpServer::StartDrain() { impl_->StartDrain(); }
size_t HttpServer::connection_count() const { return impl_->open; }
bool HttpServer::idle() const { return impl_->Idle(); }
const ServerCounters& HttpServer::counters() const { return impl_->counters; }

}  // namespace tollgate::server

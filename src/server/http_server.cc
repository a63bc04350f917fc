#include "tollgate/server/http_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/connection.h"
#include "server/deadlines.h"

namespace tollgate::server {
namespace {

constexpr int64_t kLingerMs = 1'000;
// Evicted at once when the process has no descriptors left, so that its other parts get some too.
constexpr int kEvictedForDescriptors = 8;

}  // namespace

HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
                       ServerGroup* group)
    : loop_(loop),
      options_(options),
      handler_(handler),
      own_group_(group != nullptr ? nullptr
                                  : std::make_unique<ServerGroup>(options.memory_bytes_max)),
      group_(group != nullptr ? *group : *own_group_),
      seat_(group_.Join(*this)),
      deadlines_(std::make_unique<Deadlines>(
          std::array{options.header_timeout_ms, options.body_timeout_ms, options.idle_timeout_ms,
                     options.write_timeout_ms, kLingerMs})),
      timer_(loop, [this] { OnTimer(); }) {
  buffers_.reserve(kSpareBuffersMax);
  outputs_.reserve(kSpareOutputsMax);
  reserve_ = std::make_unique_for_overwrite<char[]>(kUsualInputBytes + kBodyPaddingBytes);
}

HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler)
    : HttpServer(loop, options, handler, nullptr) {}

HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler,
                       ServerGroup& group)
    : HttpServer(loop, options, handler, &group) {}

HttpServer::~HttpServer() {
  acceptors_.clear();
  for (auto& connection : connections_) {
    if (connection->fd.valid()) Close(*connection);
  }
  group_.GiveMemory(buffers_.size() * (kUsualInputBytes + kBodyPaddingBytes));
}

base::Status HttpServer::Listen(int listener_fd, bool exclusive) {
  AcceptorOwner& owner = *this;
  acceptors_.push_back(std::make_unique<Acceptor>(loop_, listener_fd, exclusive, owner));
  return acceptors_.back()->Start();
}

bool HttpServer::HasRoom() const { return group_.least_count() < options_.connections_max; }

void HttpServer::OnAccepted(base::UniqueFd fd) {
  const size_t whose = group_.Place(seat_, options_.connections_max);
  if (whose != seat_) return group_.HandOver(whose, std::move(fd));
  TakeIn(std::move(fd));
}

// Begins a connection that is counted with this server.
void HttpServer::TakeIn(base::UniqueFd fd) {
  if (options_.send_buffer_bytes > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &options_.send_buffer_bytes,
                 sizeof(options_.send_buffer_bytes));
  }
  if (free_.empty()) {
    const auto index = static_cast<uint32_t>(connections_.size());
    connections_.push_back(std::make_unique<Connection>(
        *this, index, options_.parser, std::max<size_t>(options_.pipeline_max, 1)));
    free_.push_back(index);
  }
  Connection& connection = *connections_[free_.back()];
  if (!loop_.Add(fd.get(), EPOLLIN, &connection).ok())
    return group_.Leave(seat_);  // the client sees the connection close
  free_.pop_back();
  connection.fd = std::move(fd);
  connection.watched = EPOLLIN;
  connection.parser.Reset();
  ++open_;
  counters_.connections.Add();
  deadlines_->Set(connection, Waiting::kIdle, loop_.now_ns());
  ArmTimer();
  if (draining_) LookForRequest(connection);  // it was handed over when the drain began
}

void HttpServer::AcceptOnce() {
  for (auto& acceptor : acceptors_) acceptor->AcceptForAnother();
}

bool HttpServer::FreeDescriptors() {
  int ended = 0;
  while (ended < kEvictedForDescriptors && EvictOne()) ++ended;
  return ended > 0;
}

void HttpServer::Close(Connection& connection) {
  deadlines_->Clear(connection);
  loop_.Remove(connection.fd.get());
  connection.fd.reset();
  ++connection.generation;
  GiveBuffer(connection);
  GiveOutput(connection);
  std::vector<std::string>().swap(connection.later);
  if (connection.charged_bytes != 0) group_.GiveMemory(std::exchange(connection.charged_bytes, 0));
  connection.input_used = connection.drained_bytes = 0;
  connection.first_sequence = connection.next_sequence = 0;
  connection.reading = true;
  connection.in_turn = connection.stalled = connection.peer_done = connection.continue_due = false;
  connection.close_when_sent = connection.linger = false;
  free_.push_back(connection.index);
  --open_;
  group_.Leave(seat_);
  counters_.closed.Add();
  for (auto& acceptor : acceptors_) acceptor->RoomAgain();
}

// Handles a request that may have arrived without an event yet.
void HttpServer::LookForRequest(Connection& connection) {
  if (!Receive(connection)) return;
  HandleRequests(connection);
  if (connection.fd.valid()) Settle(connection);
}

void HttpServer::StartDrain() {
  draining_ = true;
  group_.StopHandingOver();
  for (auto& acceptor : acceptors_) acceptor->Stop();
  for (size_t index = 0; index < connections_.size(); ++index) {
    Connection& connection = *connections_[index];
    const bool quiet = connection.fd.valid() && connection.waiting != Waiting::kLinger &&
                       connection.owed_count() == 0 && connection.output.empty() &&
                       !connection.stalled;
    if (quiet) LookForRequest(connection);
  }
}

bool HttpServer::idle() const {
  return !group_.handing_over() &&
         std::all_of(connections_.begin(), connections_.end(), [](const auto& connection) {
           return !connection->fd.valid() || (connection->owed_count() == 0 &&
                                              connection->output.empty() && !connection->stalled);
         });
}

}  // namespace tollgate::server

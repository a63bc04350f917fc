#include "tollgate/server/http_server.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "server/http_server_impl.h"

namespace tollgate::server {
namespace {

constexpr size_t kSpareBuffersMax = 256;
constexpr int64_t kLingerMs = 1'000;

}  // namespace

HttpServer::Impl::Impl(HttpServer& self_in, net::EventLoop& loop_in,
                       const ServerOptions& options_in, RequestHandler& handler_in)
    : self(self_in),
      loop(loop_in),
      options(options_in),
      handler(handler_in),
      deadlines({options.header_timeout_ms, options.body_timeout_ms, options.idle_timeout_ms,
                 options.write_timeout_ms, kLingerMs}),
      timer(loop_in, [this] { OnTimer(); }) {
  buffers.reserve(kSpareBuffersMax);
}

HttpServer::Impl::~Impl() {
  acceptors.clear();
  for (auto& it : connections) {
    if (it->fd.valid()) Close(*it);
  }
}

void HttpServer::Impl::OnAccepted(base::UniqueFd fd) {
  if (free.empty()) {
    const auto index = static_cast<uint32_t>(connections.size());
    connections.push_back(std::make_unique<Connection>(*this, index, options.parser,
                                                       std::max<size_t>(options.pipeline_max, 1)));
    free.push_back(index);
  }
  Connection& it = *connections[free.back()];
  if (!loop.Add(fd.get(), EPOLLIN, &it).ok()) return;  // the client sees a close
  free.pop_back();
  it.fd = std::move(fd);
  it.watched = EPOLLIN;
  it.parser.Reset();
  TakeBuffer(it);
  ++open;
  counters.connections.Add();
  deadlines.Set(it, Waiting::kIdle, loop.now_ns());
  ArmTimer();
}

void HttpServer::Impl::Close(Connection& it) {
  deadlines.Clear(it);
  loop.Remove(it.fd.get());
  it.fd.reset();
  ++it.generation;
  GiveBuffer(it);
  it.input_used = it.output_sent = it.drained_bytes = 0;
  it.output.clear();
  for (std::string& text : it.later) text.clear();
  it.first_sequence = it.next_sequence = 0;
  it.reading = true;
  it.in_turn = it.stalled = it.peer_done = it.continue_due = false;
  it.close_when_sent = it.linger = false;
  free.push_back(it.index);
  --open;
  counters.closed.Add();
  for (auto& acceptor : acceptors) acceptor->RoomAgain();
}

void HttpServer::Impl::TakeBuffer(Connection& it) {
  if (buffers.empty()) {
    it.input = std::make_unique_for_overwrite<char[]>(kUsualInputBytes + kBodyPaddingBytes);
  } else {
    it.input = std::move(buffers.back());
    buffers.pop_back();
  }
  it.input_capacity = kUsualInputBytes;
}

void HttpServer::Impl::GiveBuffer(Connection& it) {
  if (it.input_capacity == kUsualInputBytes && buffers.size() < kSpareBuffersMax) {
    buffers.push_back(std::move(it.input));
  }
  it.input.reset();
  it.input_capacity = 0;
}

void HttpServer::Impl::StartDrain() {
  draining = true;
  for (auto& acceptor : acceptors) acceptor->Stop();
  for (size_t index = 0; index < connections.size(); ++index) {
    Connection& it = *connections[index];
    const bool quiet = it.fd.valid() && it.waiting != Waiting::kLinger && it.owed_count() == 0 &&
                       it.output.empty() && !it.stalled;
    if (!quiet || !Receive(it)) continue;
    // A request may have come that the loop has not seen yet.
    HandleRequests(it);
    if (it.fd.valid()) Settle(it);
  }
}

bool HttpServer::Impl::Idle() const {
  return std::all_of(connections.begin(), connections.end(), [](const auto& it) {
    return !it->fd.valid() || (it->owed_count() == 0 && it->output.empty() && !it->stalled);
  });
}

// --- The class itself.

HttpServer::HttpServer(net::EventLoop& loop, const ServerOptions& options, RequestHandler& handler)
    : impl_(std::make_unique<Impl>(*this, loop, options, handler)) {}
HttpServer::~HttpServer() = default;

base::Status HttpServer::Listen(int listener_fd, bool exclusive) {
  Impl& impl = *impl_;
  impl.acceptors.push_back(std::make_unique<Acceptor>(
      impl.loop, listener_fd, exclusive,
      [&impl] { return impl.open < impl.options.connections_max; },
      [&impl](base::UniqueFd fd) { impl.OnAccepted(std::move(fd)); },
      [&impl] { impl.counters.accept_pauses.Add(); }));
  return impl.acceptors.back()->Start();
}

void HttpServer::StartDrain() { impl_->StartDrain(); }
size_t HttpServer::connection_count() const { return impl_->open; }
bool HttpServer::idle() const { return impl_->Idle(); }
const ServerCounters& HttpServer::counters() const { return impl_->counters; }

}  // namespace tollgate::server

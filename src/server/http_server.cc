#include "tollgate/server/http_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "server/http_server_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::server {
namespace {

constexpr size_t kUsualBytes = 4096 - kBodyPaddingBytes;
constexpr size_t kSpareBuffersMax = 256;
constexpr int64_t kLingerMs = 1'000;
constexpr size_t kLingerBytesMax = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::unique_ptr<char[]> NewBuffer(size_t capacity) {
  return std::make_unique<char[]>(capacity + kBodyPaddingBytes);
}

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
  if (buffers.empty()) {
    it.input = NewBuffer(kUsualBytes);
  } else {
    it.input = std::move(buffers.back());
    buffers.pop_back();
  }
  it.input_capacity = kUsualBytes;
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
  if (it.input_capacity == kUsualBytes && buffers.size() < kSpareBuffersMax) {
    buffers.push_back(std::move(it.input));
  }
  it.input.reset();
  it.input_capacity = it.input_used = it.output_sent = it.drained_bytes = 0;
  it.output.clear();
  it.first_sequence = it.next_sequence = 0;
  it.reading = true;
  it.close_when_sent = it.linger = false;
  free.push_back(it.index);
  --open;
}

void HttpServer::Impl::Watch(Connection& it, uint32_t events) {
  if (it.watched == events) return;
  it.watched = events;
  loop.Modify(it.fd.get(), events);
}

void HttpServer::Impl::OnConnectionEvents(uint32_t index, uint32_t events) {
  Connection& it = *connections[index];
  if (!it.fd.valid()) return;
  if (it.waiting == Waiting::kLinger) return Discard(it);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && it.reading) {
    if (!Receive(it)) return;
    HandleRequests(it);
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    return Close(it);
  }
  if (it.fd.valid()) Settle(it);
}

bool HttpServer::Impl::Receive(Connection& it) {
  if (it.input_used == it.input_capacity && !MakeRoom(it)) return true;
  const ssize_t n =
      ::recv(it.fd.get(), it.input.get() + it.input_used, it.input_capacity - it.input_used, 0);
  if (n > 0) {
    it.input_used += static_cast<size_t>(n);
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  // The end of what the client sends. Answers that are owed may still reach it, but nobody knows:
  // as most servers, we take it as the end.
  Close(it);
  return false;
}

// A larger buffer for a large request; the parser's limits bound it.
bool HttpServer::Impl::MakeRoom(Connection& it) {
  // Chunk framing may take more than the body itself.
  const size_t most =
      2 * options.parser.header_bytes_max + 4 * options.parser.body_bytes_max + kUsualBytes;
  if (it.input_capacity >= most) return false;
  const size_t capacity = std::min(most, it.input_capacity * 4);
  auto larger = NewBuffer(capacity);
  std::memcpy(larger.get(), it.input.get(), it.input_used);
  it.input = std::move(larger);
  it.input_capacity = capacity;
  return true;
}

void HttpServer::Impl::HandleRequests(Connection& it) {
  const uint32_t generation = it.generation;
  it.in_turn = true;
  size_t done = 0;
  while (it.reading && done < it.input_used) {
    if (it.owed_count() == it.owed.size()) break;  // go on when the first is answered
    const auto status = it.parser.Parse(it.input.get() + done, it.input_used - done);
    if (status == http::ParseStatus::kNeedMore) break;
    if (status == http::ParseStatus::kNeedContinue) {
      if (it.owed_count() == 0) it.output += kContinue;
      break;
    }
    if (status == http::ParseStatus::kBad) {
      // It throws away what was read, so there is nothing to move up below.
      RefuseRequest(it, it.parser.error_status(), it.parser.error_detail());
      it.in_turn = false;
      return;
    }
    counters.requests.Add();
    HandOut(it);
    if (it.generation != generation) {  // the handler ended the connection
      it.in_turn = false;
      return;
    }
    done += it.parser.consumed();
    it.parser.Reset();
  }
  it.in_turn = false;
  if (done == 0) {
    if (it.reading && it.input_used == it.input_capacity && !MakeRoom(it)) {
      RefuseRequest(it, 413, "the request is too large");
    }
    return;
  }
  it.input_used -= done;
  std::memmove(it.input.get(), it.input.get() + done, it.input_used);
  if (it.input_used == 0 && it.input_capacity != kUsualBytes) {
    it.input = NewBuffer(kUsualBytes);
    it.input_capacity = kUsualBytes;
  }
}

void HttpServer::Impl::HandOut(Connection& it) {
  const http::Request& request = it.parser.request();
  const uint32_t sequence = it.next_sequence++;
  const bool close = !request.keep_alive || draining;
  it.OwedAt(sequence) = {.answered = false,
                         .head_only = request.method == http::Method::kHead,
                         .close = close,
                         .http10 = request.http10};
  if (close) it.reading = false;
  Responder responder;
  responder.server_ = &self;
  responder.connection_ = it.index;
  responder.generation_ = it.generation;
  responder.sequence_ = sequence;
  handler.OnRequest(request, responder);
}

// A request that cannot be read: answered after those before it, and the end of the connection.
void HttpServer::Impl::RefuseRequest(Connection& it, int status, std::string_view detail) {
  counters.bad_requests.Add();
  it.reading = false;
  it.linger = true;
  it.input_used = 0;
  const uint32_t sequence = it.next_sequence++;
  it.OwedAt(sequence) = {.answered = false, .head_only = false, .close = true, .http10 = false};
  http::ResponseHead head;
  head.status = status;
  head.content_type = http::kProblemType;
  const bool in_turn = std::exchange(it.in_turn, true);
  Answer(it, sequence, nullptr, head, http::ProblemBody(status, detail));
  it.in_turn = in_turn;
}

// After anything happened: sends, ends the connection if that is due, and sets what it now waits
// for.
void HttpServer::Impl::Settle(Connection& it) {
  if (!Send(it)) return;
  const bool unsent = !it.output.empty();
  if (!unsent && it.close_when_sent) {
    if (!it.linger) return Close(it);
    // RFC 9112 section 9.6: closing at once could destroy the answer on its way.
    ::shutdown(it.fd.get(), SHUT_WR);
    Watch(it, EPOLLIN);
    deadlines.Set(it, Waiting::kLinger, loop.now_ns());
    return ArmTimer();
  }
  const bool full = it.owed_count() == it.owed.size();
  if (!full && it.reading && it.input_used > 0 && !it.parser.headers_done() &&
      (it.watched & EPOLLIN) == 0) {
    // Answers made room for requests that are here already.
    HandleRequests(it);
    Watch(it, EPOLLIN);
    return Settle(it);
  }
  Watch(it, (unsent ? static_cast<uint32_t>(EPOLLOUT) : 0U) |
                (it.reading && !full ? static_cast<uint32_t>(EPOLLIN) : 0U));
  Waiting kind = Waiting::kIdle;
  if (unsent) {
    kind = Waiting::kWrite;
  } else if (it.owed_count() > 0) {
    kind = Waiting::kNone;  // ours to answer
  } else if (it.input_used > 0) {
    kind = it.parser.headers_done() ? Waiting::kBody : Waiting::kHeader;
  }
  // A request that comes byte by byte does not renew its limit.
  if (kind == it.waiting && kind != Waiting::kIdle) return;
  deadlines.Set(it, kind, loop.now_ns());
  ArmTimer();
}

// After a framing error: what still comes is thrown away until the client has read the answer.
void HttpServer::Impl::Discard(Connection& it) {
  const ssize_t n = ::recv(it.fd.get(), it.input.get(), it.input_capacity, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) it.drained_bytes += static_cast<size_t>(n);
  if (n <= 0 || it.drained_bytes > kLingerBytesMax) Close(it);
}

void HttpServer::Impl::ArmTimer() {
  const int64_t next = deadlines.NextNs();
  if (next == std::numeric_limits<int64_t>::max()) return;
  if (!timer.armed() || timer.deadline_ns() > next) timer.Arm(next);
}

void HttpServer::Impl::OnTimer() {
  while (Connection* const it = deadlines.Expired(loop.now_ns())) Expire(*it);
  ArmTimer();
}

void HttpServer::Impl::Expire(Connection& it) {
  if (it.waiting != Waiting::kLinger) counters.timeouts.Add();
  const bool half_a_request = it.waiting == Waiting::kHeader || it.waiting == Waiting::kBody;
  if (!half_a_request) return Close(it);
  deadlines.Clear(it);
  RefuseRequest(it, 408, "the request did not arrive in time");
  Settle(it);
}

void HttpServer::Impl::StartDrain() {
  draining = true;
  for (auto& acceptor : acceptors) acceptor->Stop();
  for (auto& it : connections) {
    const bool quiet = it->fd.valid() && it->owed_count() == 0 && it->output.empty();
    if (quiet && it->input_used == 0) Close(*it);
  }
}

bool HttpServer::Impl::Idle() const {
  return std::all_of(connections.begin(), connections.end(), [](const auto& it) {
    return !it->fd.valid() || (it->owed_count() == 0 && it->output.empty());
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

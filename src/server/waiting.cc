// What a connection waits for after each step, and what happens when it waits too long.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>

#include "server/http_server_impl.h"

namespace tollgate::server {
namespace {

constexpr size_t kLingerBytesMax = 64 * 1024;

}  // namespace

void HttpServer::Impl::Watch(Connection& it, uint32_t events) {
  if (it.watched == events) return;
  it.watched = events;
  loop.Modify(it.fd.get(), events);
}

// After anything happened: sends, ends the connection if that is due, and sets what it now waits
// for. Never calls the handler, as answers come here from inside of it.
void HttpServer::Impl::Settle(Connection& it) {
  if (!Send(it)) return;
  const bool unsent = !it.output.empty();
  const bool owing = it.owed_count() > 0;
  if (!unsent && it.close_when_sent) return it.linger ? Linger(it) : Close(it);
  if (!unsent && !owing && !it.stalled && (it.peer_done || (draining && it.input_used == 0))) {
    return Close(it);
  }
  uint32_t events = 0;
  if (unsent) {
    events = EPOLLOUT;  // what is not read is not followed by more
  } else if (it.stalled) {
    // Answers made room: the loop comes back at once for the requests that are here already.
    events = it.owed_count() < it.owed.size() ? static_cast<uint32_t>(EPOLLOUT) : 0U;
  } else if (it.reading) {
    events = EPOLLIN;
  }
  Watch(it, events);
  Waiting kind = Waiting::kIdle;
  if (unsent) {
    kind = Waiting::kWrite;
  } else if (owing || it.stalled) {
    kind = Waiting::kNone;  // it is for us to act
  } else if (it.input_used > 0) {
    kind = it.parser.headers_done() ? Waiting::kBody : Waiting::kHeader;
  }
  // A request that comes byte by byte does not renew its limit.
  if (kind == it.waiting && kind != Waiting::kIdle) return;
  deadlines.Set(it, kind, loop.now_ns());
  ArmTimer();
}

// RFC 9112 section 9.6: closing at once could destroy the answer on its way.
void HttpServer::Impl::Linger(Connection& it) {
  ::shutdown(it.fd.get(), SHUT_WR);
  Watch(it, EPOLLIN);
  deadlines.Set(it, Waiting::kLinger, loop.now_ns());
  ArmTimer();
}

// What still comes is thrown away until the client has read the answer.
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

}  // namespace tollgate::server

// What a connection waits for after each step, and what happens when it waits for too long.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "server/connection.h"
#include "server/deadlines.h"
#include "tollgate/server/http_server.h"

namespace tollgate::server {
namespace {

constexpr size_t kLingerBytesMax = 64 * 1024;
// The order of evictions: connections that have their answer, idle ones, those with an incomplete
// head or body, and those that do not read their answers. A connection that waits for the handler
// is never evicted.
constexpr std::array kEvictionOrder{Waiting::kLinger, Waiting::kIdle, Waiting::kHeader,
                                    Waiting::kBody, Waiting::kWrite};
static_assert(kEvictionOrder.size() == kWaitingKinds);

}  // namespace

void HttpServer::Watch(Connection& connection, uint32_t events) {
  if (connection.watched == events) return;
  connection.watched = events;
  loop_.Modify(connection.fd.get(), events);
}

// Call it after each step. It sends, ends the connection if due, and sets what the connection now
// waits for. It never calls the handler, because answers are given inside the handler too.
void HttpServer::Settle(Connection& connection) {
  if (connection.input != nullptr) SettleInput(connection);
  if (!Send(connection) || !Charge(connection)) return;
  const bool unsent = !connection.output.empty();
  const bool owing = connection.owed_count() > 0;
  if (!unsent && connection.close_when_sent)
    return connection.linger ? Linger(connection) : Close(connection);
  if (!unsent && !owing && !connection.stalled &&
      (connection.peer_done || (draining_ && connection.input_used == 0))) {
    return Close(connection);
  }
  uint32_t events = 0;
  if (unsent) {
    events = EPOLLOUT;  // no further request is read until the client reads its answers
  } else if (connection.stalled) {
    // Answers made room. EPOLLOUT brings the loop back for the requests in the input.
    events = !connection.owes_most() ? static_cast<uint32_t>(EPOLLOUT) : 0U;
  } else if (connection.reading) {
    events = EPOLLIN;
  }
  Watch(connection, events);
  Waiting kind = Waiting::kIdle;
  if (unsent) {
    kind = Waiting::kWrite;
  } else if (owing || connection.stalled) {
    kind = Waiting::kNone;  // the server must act
  } else if (connection.input_used > 0) {
    kind = connection.parser.headers_done() ? Waiting::kBody : Waiting::kHeader;
  }
  // A request that arrives byte by byte does not renew its limit.
  if (kind == connection.waiting && kind != Waiting::kIdle) return;
  deadlines_->Set(connection, kind, loop_.now_ns());
  ArmTimer();
}

// RFC 9112 section 9.6: closing at once could destroy an answer in transit.
void HttpServer::Linger(Connection& connection) {
  ::shutdown(connection.fd.get(), SHUT_WR);
  Watch(connection, EPOLLIN);
  deadlines_->Set(connection, Waiting::kLinger, loop_.now_ns());
  ArmTimer();
}

// Discards what still arrives until the client has read the answer.
void HttpServer::Discard(Connection& connection) {
  std::array<char, 4096> thrown_away;
  const ssize_t n = ::recv(connection.fd.get(), thrown_away.data(), thrown_away.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) connection.drained_bytes += static_cast<size_t>(n);
  if (n <= 0 || connection.drained_bytes > kLingerBytesMax) Close(connection);
}

void HttpServer::ArmTimer() {
  const int64_t next = deadlines_->NextNs();
  if (next == std::numeric_limits<int64_t>::max()) return;
  if (!timer_.armed() || timer_.deadline_ns() > next) timer_.Arm(next);
}

void HttpServer::OnTimer() {
  while (Connection* const connection = deadlines_->Expired(loop_.now_ns())) Expire(*connection);
  ArmTimer();
}

void HttpServer::Expire(Connection& connection) {
  if (connection.waiting != Waiting::kLinger) counters_.timeouts.Add();
  const bool half_a_request =
      connection.waiting == Waiting::kHeader || connection.waiting == Waiting::kBody;
  if (!half_a_request) return Close(connection);
  deadlines_->Clear(connection);
  RefuseRequest(connection, 408, "the request did not arrive in time");
  Settle(connection);
}

// Ends the connection that has kept the server waiting for longest, to make room for another.
// Returns false if none has waited for long enough.
bool HttpServer::EvictOne() {
  const bool evicted = std::any_of(kEvictionOrder.begin(), kEvictionOrder.end(), [&](Waiting kind) {
    const int64_t after_ms = kind == Waiting::kIdle ? kEvictIdleAfterMs : kEvictAfterMs;
    return EvictFrom(kind, loop_.now_ns() - after_ms * base::kNanosPerMilli);
  });
  if (evicted) counters_.evicted.Add();
  return evicted;
}

bool HttpServer::EvictFrom(Waiting kind, int64_t since_ns) {
  while (Connection* const connection = deadlines_->Longest(kind, since_ns)) {
    if (kind == Waiting::kLinger || kind == Waiting::kWrite) return Close(*connection), true;
    // The socket may hold the missing bytes without an event yet.
    const uint32_t generation = connection->generation;
    const size_t before = connection->input_used;
    if (!Receive(*connection)) return true;
    if (connection->input_used != before) {
      HandleRequests(*connection);
      if (connection->generation == generation) Settle(*connection);
      if (connection->generation != generation) return true;
      if (connection->waiting != kind || deadlines_->Longest(kind, since_ns) != connection)
        continue;
    }
    if (kind != Waiting::kIdle && connection->reading) {
      RefuseRequest(*connection, 503, "others wait, and this request is not whole; send it again",
                    "Retry-After: 1\r\n");
      if (!Send(*connection)) return true;
    }
    return Close(*connection), true;
  }
  return false;
}

}  // namespace tollgate::server

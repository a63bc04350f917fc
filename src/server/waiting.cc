// What a connection waits for after each step, and what happens when it waits too long.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "server/http_server_impl.h"

namespace tollgate::server {
namespace {

constexpr size_t kLingerBytesMax = 64 * 1024;
// Who goes first when another is to come in: those who have their answer, those who ask nothing,
// those who do not say what they ask, those who do not take their answers. Never one whom we let
// wait.
constexpr std::array kEvictionOrder{Waiting::kLinger, Waiting::kIdle, Waiting::kHeader,
                                    Waiting::kBody, Waiting::kWrite};
static_assert(kEvictionOrder.size() == kWaitingKinds);

}  // namespace

void HttpServer::Impl::Watch(Connection& connection, uint32_t events) {
  if (connection.watched == events) return;
  connection.watched = events;
  loop.Modify(connection.fd.get(), events);
}

// After anything happened: sends, ends the connection if that is due, and sets what it now waits
// for. Never calls the handler, as answers come here from inside of it.
void HttpServer::Impl::Settle(Connection& connection) {
  if (connection.input != nullptr) SettleInput(connection);
  if (!Send(connection) || !Charge(connection)) return;
  const bool unsent = !connection.output.empty();
  const bool owing = connection.owed_count() > 0;
  if (!unsent && connection.close_when_sent)
    return connection.linger ? Linger(connection) : Close(connection);
  if (!unsent && !owing && !connection.stalled &&
      (connection.peer_done || (draining && connection.input_used == 0))) {
    return Close(connection);
  }
  uint32_t events = 0;
  if (unsent) {
    events = EPOLLOUT;  // what is not read is not followed by more
  } else if (connection.stalled) {
    // Answers made room: the loop comes back at once for the requests that are here already.
    events = !connection.owes_most() ? static_cast<uint32_t>(EPOLLOUT) : 0U;
  } else if (connection.reading) {
    events = EPOLLIN;
  }
  Watch(connection, events);
  Waiting kind = Waiting::kIdle;
  if (unsent) {
    kind = Waiting::kWrite;
  } else if (owing || connection.stalled) {
    kind = Waiting::kNone;  // it is for us to act
  } else if (connection.input_used > 0) {
    kind = connection.parser.headers_done() ? Waiting::kBody : Waiting::kHeader;
  }
  // A request that comes byte by byte does not renew its limit.
  if (kind == connection.waiting && kind != Waiting::kIdle) return;
  deadlines.Set(connection, kind, loop.now_ns());
  ArmTimer();
}

// RFC 9112 section 9.6: closing at once could destroy the answer on its way.
void HttpServer::Impl::Linger(Connection& connection) {
  ::shutdown(connection.fd.get(), SHUT_WR);
  Watch(connection, EPOLLIN);
  deadlines.Set(connection, Waiting::kLinger, loop.now_ns());
  ArmTimer();
}

// What still comes is thrown away until the client has read the answer.
void HttpServer::Impl::Discard(Connection& connection) {
  std::array<char, 4096> thrown_away;
  const ssize_t n = ::recv(connection.fd.get(), thrown_away.data(), thrown_away.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) connection.drained_bytes += static_cast<size_t>(n);
  if (n <= 0 || connection.drained_bytes > kLingerBytesMax) Close(connection);
}

void HttpServer::Impl::ArmTimer() {
  const int64_t next = deadlines.NextNs();
  if (next == std::numeric_limits<int64_t>::max()) return;
  if (!timer.armed() || timer.deadline_ns() > next) timer.Arm(next);
}

void HttpServer::Impl::OnTimer() {
  while (Connection* const connection = deadlines.Expired(loop.now_ns())) Expire(*connection);
  ArmTimer();
}

void HttpServer::Impl::Expire(Connection& connection) {
  if (connection.waiting != Waiting::kLinger) counters.timeouts.Add();
  const bool half_a_request =
      connection.waiting == Waiting::kHeader || connection.waiting == Waiting::kBody;
  if (!half_a_request) return Close(connection);
  deadlines.Clear(connection);
  RefuseRequest(connection, 408, "the request did not arrive in time");
  Settle(connection);
}

// Ends the connection that has kept us waiting for longest, so that another can come in. False:
// none has for long.
bool HttpServer::Impl::EvictOne() {
  const bool evicted = std::any_of(kEvictionOrder.begin(), kEvictionOrder.end(), [&](Waiting kind) {
    const int64_t after_ms = kind == Waiting::kIdle ? kEvictIdleAfterMs : kEvictAfterMs;
    return EvictFrom(kind, loop.now_ns() - after_ms * base::kNanosPerMilli);
  });
  if (evicted) counters.evicted.Add();
  return evicted;
}

bool HttpServer::Impl::EvictFrom(Waiting kind, int64_t since_ns) {
  while (Connection* const connection = deadlines.Longest(kind, since_ns)) {
    if (kind == Waiting::kLinger || kind == Waiting::kWrite) return Close(*connection), true;
    // What the loop has not seen yet may be all that we waited for.
    const uint32_t generation = connection->generation;
    const size_t before = connection->input_used;
    if (!Receive(*connection)) return true;
    if (connection->input_used != before) {
      HandleRequests(*connection);
      if (connection->generation == generation) Settle(*connection);
      if (connection->generation != generation) return true;
      if (connection->waiting != kind || deadlines.Longest(kind, since_ns) != connection) continue;
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

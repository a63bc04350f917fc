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

void HttpServer::Impl::Watch(Connection& it, uint32_t events) {
  if (it.watched == events) return;
  it.watched = events;
  loop.Modify(it.fd.get(), events);
}

// After anything happened: sends, ends the connection if that is due, and sets what it now waits
// for. Never calls the handler, as answers come here from inside of it.
void HttpServer::Impl::Settle(Connection& it) {
  if (it.input != nullptr) SettleInput(it);
  if (!Send(it) || !Charge(it)) return;
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
    events = !it.owes_most() ? static_cast<uint32_t>(EPOLLOUT) : 0U;
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
  std::array<char, 4096> thrown_away;
  const ssize_t n = ::recv(it.fd.get(), thrown_away.data(), thrown_away.size(), 0);
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
  while (Connection* const it = deadlines.Longest(kind, since_ns)) {
    if (kind == Waiting::kLinger || kind == Waiting::kWrite) return Close(*it), true;
    // What the loop has not seen yet may be all that we waited for.
    const uint32_t generation = it->generation;
    const size_t before = it->input_used;
    if (!Receive(*it)) return true;
    if (it->input_used != before) {
      HandleRequests(*it);
      if (it->generation == generation) Settle(*it);
      if (it->generation != generation) return true;
      if (it->waiting != kind || deadlines.Longest(kind, since_ns) != it) continue;
    }
    if (kind != Waiting::kIdle && it->reading) {
      RefuseRequest(*it, 503, "others wait, and this request is not whole; send it again",
                    "Retry-After: 1\r\n");
      if (!Send(*it)) return true;
    }
    return Close(*it), true;
  }
  return false;
}

}  // namespace tollgate::server

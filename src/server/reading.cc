// From the socket to the handler: events, the input buffer, requests.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/http_server_impl.h"

namespace tollgate::server {
namespace {

constexpr uint32_t kGone = EPOLLHUP | EPOLLERR;
// No more requests are taken in while answers of this size wait for the client to read them.
constexpr size_t kUnsentBytesMax = 64 * 1024;

}  // namespace

void HttpServer::Impl::OnConnectionEvents(uint32_t index, uint32_t events) {
  Connection& it = *connections[index];
  if (!it.fd.valid()) return;
  if (it.waiting == Waiting::kLinger) return Discard(it);
  if ((it.watched & EPOLLIN) != 0) {
    if ((events & (EPOLLIN | kGone)) != 0) {
      if (!Receive(it)) return;
      HandleRequests(it);
    }
  } else if ((events & kGone) != 0) {
    return Close(it);
  } else if (it.stalled) {
    if (!Send(it)) return;
    if (it.output.empty()) HandleRequests(it);
  }
  if (it.fd.valid()) Settle(it);
}

// False: the connection has ended.
bool HttpServer::Impl::Receive(Connection& it) {
  if (it.input == nullptr) TakeBuffer(it);
  if (it.input_used == it.input_capacity && MakeInputRoom(it) != Room::kMade) return true;
  const ssize_t n =
      ::recv(it.fd.get(), it.input.get() + it.input_used, it.input_capacity - it.input_used, 0);
  if (n > 0) {
    it.input_used += static_cast<size_t>(n);
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n < 0) {
    Close(it);
    return false;
  }
  // The client sends no more, but may still wait for the answers that it is owed.
  it.peer_done = true;
  it.reading = false;
  return true;
}

void HttpServer::Impl::HandleRequests(Connection& it) {
  const uint32_t generation = it.generation;
  it.in_turn = true;
  it.stalled = false;
  size_t done = 0;
  while (it.reading && done < it.input_used) {
    it.stalled = it.owes_most() || it.output.size() - it.output_sent > kUnsentBytesMax;
    if (it.stalled) break;
    const auto status = it.parser.Parse(it.input.get() + done, it.input_used - done);
    if (status == http::ParseStatus::kNeedMore) break;
    if (status == http::ParseStatus::kNeedContinue) {
      Continue(it);
      break;
    }
    if (status == http::ParseStatus::kBad) {
      RefuseRequest(it, it.parser.error_status(), it.parser.error_detail());
      break;
    }
    counters.requests.Add();
    done += HandOut(it);
    if (it.generation != generation) return;  // the handler ended the connection
  }
  it.in_turn = false;
  Consume(it, done);
}

// Hands the request that was read to the handler; returns its length.
size_t HttpServer::Impl::HandOut(Connection& it) {
  const http::Request& request = it.parser.request();
  const size_t length = it.parser.consumed();
  const uint32_t sequence = it.next_sequence++;
  const bool close = !request.keep_alive || draining;
  it.OwedAt(sequence) = {.answered = false,
                         .head_only = request.method == http::Method::kHead,
                         .close = close,
                         .http10 = request.http10};
  it.continue_due = false;
  if (close) it.reading = false;
  if (draining) it.linger = true;
  Responder responder;
  responder.server_ = &self;
  responder.connection_ = it.index;
  responder.generation_ = it.generation;
  responder.sequence_ = sequence;
  handler.OnRequest(request, responder);
  it.parser.Reset();
  return length;
}

// Takes `done` bytes of handled requests from the input.
void HttpServer::Impl::Consume(Connection& it, size_t done) {
  if (done == 0) {
    if (!it.reading || it.stalled || it.input_used < it.input_capacity) return;
    switch (MakeInputRoom(it)) {
      case Room::kMade:
        return;
      case Room::kTooLarge:
        return RefuseRequest(it, 413, "the request is too large");
      case Room::kNoMemory:
        return RefuseForMemory(it);
    }
  }
  it.input_used -= done;
  if (it.input_used > 0) std::memmove(it.input.get(), it.input.get() + done, it.input_used);
  // The limit of the request that is done is not that of the one that follows.
  deadlines.Clear(it);
  if (it.input_used > 0) ShrinkInput(it);
}

// A request that cannot be read: answered after those before it, and the end of the connection.
void HttpServer::Impl::RefuseRequest(Connection& it, int status, std::string_view detail,
                                     std::string_view extra_headers) {
  if (status != 503) counters.bad_requests.Add();  // which is no fault of the request
  it.reading = false;
  it.stalled = false;
  it.linger = true;
  it.continue_due = false;
  const uint32_t sequence = it.next_sequence++;
  it.OwedAt(sequence) = {.answered = false,
                         .head_only = it.parser.request().method == http::Method::kHead,
                         .close = true,
                         .http10 = false};
  http::ResponseHead head;
  head.status = status;
  head.content_type = http::kProblemType;
  head.extra_headers = extra_headers;
  const bool in_turn = std::exchange(it.in_turn, true);  // the caller settles
  Answer(it, sequence, nullptr, head, http::ProblemBody(status, detail));
  it.in_turn = in_turn;
}

void HttpServer::Impl::RefuseForMemory(Connection& it) {
  counters.memory_full.Add();
  RefuseRequest(it, 503, "no memory for half a request at the moment; send it again a little later",
                "Retry-After: 1\r\n");
}

}  // namespace tollgate::server

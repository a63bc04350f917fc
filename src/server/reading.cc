// The path from the socket to the handler: events, the input buffer, requests.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/connection.h"
#include "server/deadlines.h"
#include "tollgate/server/http_server.h"

namespace tollgate::server {
namespace {

constexpr uint32_t kGone = EPOLLHUP | EPOLLERR;
// No more requests are handled while unsent answers exceed this size.
constexpr size_t kUnsentBytesMax = 64 * 1024;

}  // namespace

void HttpServer::OnConnectionEvents(uint32_t index, uint32_t events) {
  Connection& connection = *connections_[index];
  if (!connection.fd.valid()) return;
  if (connection.waiting == Waiting::kLinger) return Discard(connection);
  if ((connection.watched & EPOLLIN) != 0) {
    if ((events & (EPOLLIN | kGone)) != 0) {
      if (!Receive(connection)) return;
      HandleRequests(connection);
    }
  } else if ((events & kGone) != 0) {
    return Close(connection);
  } else if (connection.stalled) {
    if (!Send(connection)) return;
    if (connection.output.empty()) HandleRequests(connection);
  }
  if (connection.fd.valid()) Settle(connection);
}

// Returns false if the connection has ended.
bool HttpServer::Receive(Connection& connection) {
  if (connection.input == nullptr) TakeBuffer(connection);
  if (connection.input_used == connection.input_capacity &&
      MakeInputRoom(connection) != Room::kMade)
    return true;
  const ssize_t n = ::recv(connection.fd.get(), connection.input.get() + connection.input_used,
                           connection.input_capacity - connection.input_used, 0);
  if (n > 0) {
    connection.input_used += static_cast<size_t>(n);
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n < 0) {
    Close(connection);
    return false;
  }
  // The client sends no more, but may still wait for pending answers.
  connection.peer_done = true;
  connection.reading = false;
  return true;
}

void HttpServer::HandleRequests(Connection& connection) {
  const uint32_t generation = connection.generation;
  connection.in_turn = true;
  connection.stalled = false;
  size_t done = 0;
  while (connection.reading && done < connection.input_used) {
    connection.stalled = connection.owes_most() ||
                         connection.output.size() - connection.output_sent > kUnsentBytesMax;
    if (connection.stalled) break;
    const auto status =
        connection.parser.Parse(connection.input.get() + done, connection.input_used - done);
    if (status == http::ParseStatus::kNeedMore) break;
    if (status == http::ParseStatus::kNeedContinue) {
      Continue(connection);
      break;
    }
    if (status == http::ParseStatus::kBad) {
      RefuseRequest(connection, connection.parser.error_status(), connection.parser.error_detail());
      break;
    }
    counters_.requests.Add();
    done += HandOut(connection);
    if (connection.generation != generation) return;  // the handler ended the connection
  }
  connection.in_turn = false;
  Consume(connection, done);
}

// Hands the parsed request to the handler. Returns its length.
size_t HttpServer::HandOut(Connection& connection) {
  const http::Request& request = connection.parser.request();
  const size_t length = connection.parser.consumed();
  const uint32_t sequence = connection.next_sequence++;
  const bool close = !request.keep_alive || draining_;
  connection.OwedAt(sequence) = {.answered = false,
                                 .head_only = request.method == http::Method::kHead,
                                 .close = close,
                                 .http10 = request.http10};
  connection.continue_due = false;
  if (close) connection.reading = false;
  if (draining_) connection.linger = true;
  Responder responder;
  responder.server_ = this;
  responder.connection_ = connection.index;
  responder.generation_ = connection.generation;
  responder.sequence_ = sequence;
  handler_.OnRequest(request, responder);
  connection.parser.Reset();
  return length;
}

// Removes `done` bytes of handled requests from the input.
void HttpServer::Consume(Connection& connection, size_t done) {
  if (done == 0) {
    if (!connection.reading || connection.stalled ||
        connection.input_used < connection.input_capacity)
      return;
    switch (MakeInputRoom(connection)) {
      case Room::kMade:
        return;
      case Room::kTooLarge:
        return RefuseRequest(connection, 413, "the request is too large");
      case Room::kNoMemory:
        return RefuseForMemory(connection);
    }
  }
  connection.input_used -= done;
  if (connection.input_used > 0)
    std::memmove(connection.input.get(), connection.input.get() + done, connection.input_used);
  // The next request gets a new time limit.
  deadlines_->Clear(connection);
  if (connection.input_used > 0) ShrinkInput(connection);
}

// Refuses a request that cannot be read. The answer follows those before it, and the connection
// then ends.
void HttpServer::RefuseRequest(Connection& connection, int status, std::string_view detail,
                               std::string_view extra_headers) {
  if (status != 503) counters_.bad_requests.Add();  // 503 is not the request's fault
  connection.reading = false;
  connection.stalled = false;
  connection.linger = true;
  connection.continue_due = false;
  const uint32_t sequence = connection.next_sequence++;
  connection.OwedAt(sequence) = {
      .answered = false,
      .head_only = connection.parser.request().method == http::Method::kHead,
      .close = true,
      .http10 = false};
  http::ResponseHead head;
  head.status = status;
  head.content_type = http::kProblemType;
  head.extra_headers = extra_headers;
  const bool in_turn = std::exchange(connection.in_turn, true);  // the caller settles
  Answer(connection, sequence, nullptr, head, http::ProblemBody(status, detail));
  connection.in_turn = in_turn;
}

void HttpServer::RefuseForMemory(Connection& connection) {
  counters_.memory_full.Add();
  RefuseRequest(connection, 503,
                "no memory for half a request at the moment; send it again a little later",
                "Retry-After: 1\r\n");
}

}  // namespace tollgate::server

// The path from an answer to the socket, in the order of the requests.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/connection.h"
#include "tollgate/base/assert.h"
#include "tollgate/server/http_server.h"

namespace tollgate::server {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Connection* HttpServer::Find(uint32_t index, uint32_t generation) {
  if (index >= connections_.size()) return nullptr;
  Connection& connection = *connections_[index];
  return connection.fd.valid() && connection.generation == generation ? &connection : nullptr;
}

void HttpServer::Render(std::string& out, const Owed& owed, const http::StaticResponse* fixed,
                        const http::ResponseHead& head, std::string_view body) const {
  if (fixed != nullptr && !owed.head_only && (owed.close || !owed.http10)) {
    out += owed.close ? fixed->closing() : fixed->keep_alive();
    return;
  }
  http::ResponseHead form = fixed != nullptr ? fixed->head() : head;
  form.close = owed.close;
  form.keep_alive_http10 = owed.http10 && !owed.close;
  http::AppendResponse(out, form, fixed != nullptr ? fixed->body() : body, owed.head_only);
}

// Where the text of an answer goes: into the output if its request is the oldest, else it is kept
// for later. Null: the connection ends before this answer. Otherwise the caller must call Finish.
std::string* HttpServer::Open(Connection& connection, uint32_t sequence) {
  if (connection.close_when_sent) return nullptr;
  TG_ASSERT(sequence - connection.first_sequence < connection.owed_count());
  Owed& owed = connection.OwedAt(sequence);
  TG_ASSERT(!owed.answered);
  owed.answered = true;
  // A drain answers the requests that have arrived. The last answer says "Connection: close".
  if (draining_ && sequence + 1 == connection.next_sequence) {
    owed.close = true;
    connection.reading = false;
    connection.linger = true;
  }
  if (sequence == connection.first_sequence) {
    if (connection.output.empty() && !outputs_.empty()) {
      connection.output = std::move(outputs_.back());
      outputs_.pop_back();
    }
    return &connection.output;
  }
  if (connection.later.empty()) connection.later.resize(connection.owed.size());
  return &connection.later[sequence % connection.later.size()];
}

void HttpServer::Finish(Connection& connection, uint32_t sequence) {
  if (sequence == connection.first_sequence) Advance(connection);
  if (!connection.in_turn) Settle(connection);
}

// The oldest request's answer is in the output. Appends the later answers that waited for it.
void HttpServer::Advance(Connection& connection) {
  for (;;) {
    if (connection.OwedAt(connection.first_sequence).close) connection.close_when_sent = true;
    ++connection.first_sequence;
    if (connection.close_when_sent) return;
    if (connection.owed_count() == 0 || !connection.OwedAt(connection.first_sequence).answered)
      break;
    std::string& text = connection.later[connection.first_sequence % connection.later.size()];
    connection.output += text;
    std::string().swap(text);
  }
  if (connection.owed_count() == 0 && !connection.later.empty())
    std::vector<std::string>().swap(connection.later);
  if (connection.continue_due) Continue(connection);
}

// "100 Continue" goes after the answers before it and before the answer of its own request.
void HttpServer::Continue(Connection& connection) {
  connection.continue_due = connection.owed_count() > 0;
  if (!connection.continue_due) connection.output += kContinue;
}

void HttpServer::Answer(Connection& connection, uint32_t sequence,
                        const http::StaticResponse* fixed, const http::ResponseHead& head,
                        std::string_view body) {
  std::string* const out = Open(connection, sequence);
  if (out == nullptr) return;
  Render(*out, connection.OwedAt(sequence), fixed, head, body);
  Finish(connection, sequence);
}

// Sends what the socket takes. Returns false if the connection has ended.
bool HttpServer::Send(Connection& connection) {
  while (connection.output_sent < connection.output.size()) {
    const ssize_t n = ::send(connection.fd.get(), connection.output.data() + connection.output_sent,
                             connection.output.size() - connection.output_sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) {
      Close(connection);
      return false;
    }
    connection.output_sent += static_cast<size_t>(n);
  }
  GiveOutput(connection);
  return true;
}

// --- Responder

void Responder::Send(const http::StaticResponse& response) {
  if (server_ == nullptr) return;
  Connection* const connection = server_->Find(connection_, generation_);
  if (connection != nullptr) server_->Answer(*connection, sequence_, &response, {}, {});
}

void Responder::Send(int status, std::string_view content_type, std::string_view body,
                     std::string_view extra_headers) {
  if (server_ == nullptr) return;
  Connection* const connection = server_->Find(connection_, generation_);
  if (connection == nullptr) return;
  http::ResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.extra_headers = extra_headers;
  server_->Answer(*connection, sequence_, nullptr, head, body);
}

void Responder::SendProblem(int status, std::string_view detail, std::string_view extra_headers) {
  Send(status, http::kProblemType, http::ProblemBody(status, detail), extra_headers);
}

void Responder::Abort() {
  if (server_ == nullptr) return;
  Connection* const connection = server_->Find(connection_, generation_);
  if (connection == nullptr) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection->fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  server_->Close(*connection);
}

void Responder::SendRawAndClose(std::string_view bytes) {
  if (server_ == nullptr) return;
  Connection* const connection = server_->Find(connection_, generation_);
  if (connection == nullptr) return;
  std::string* const out = server_->Open(*connection, sequence_);
  if (out == nullptr) return;
  *out += bytes;
  connection->OwedAt(sequence_).close = true;
  connection->reading = false;
  server_->Finish(*connection, sequence_);
}

void Responder::SendPart(std::string_view bytes) {
  if (server_ == nullptr) return;
  Connection* const connection = server_->Find(connection_, generation_);
  if (connection == nullptr || connection->close_when_sent ||
      sequence_ != connection->first_sequence)
    return;
  connection->output += bytes;
  if (!connection->in_turn) server_->Settle(*connection);
}

bool Responder::alive() const {
  if (server_ == nullptr) return false;
  const Connection* const connection = server_->Find(connection_, generation_);
  return connection != nullptr && !connection->peer_done;
}

}  // namespace tollgate::server

// From an answer to the socket, in the order of the requests.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/http_server_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::server {

Connection* HttpServer::Impl::Find(uint32_t index, uint32_t generation) {
  if (index >= connections.size()) return nullptr;
  Connection& it = *connections[index];
  return it.fd.valid() && it.generation == generation ? &it : nullptr;
}

void HttpServer::Impl::Render(std::string& out, const Owed& owed, const http::StaticResponse* fixed,
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

void HttpServer::Impl::Answer(Connection& it, uint32_t sequence, const http::StaticResponse* fixed,
                              const http::ResponseHead& head, std::string_view body) {
  Owed& owed = it.OwedAt(sequence);
  TG_ASSERT(!owed.answered && sequence - it.first_sequence < it.owed_count());
  if (draining) owed.close = true;
  owed.answered = true;
  if (sequence == it.first_sequence) {
    Render(it.output, owed, fixed, head, body);
    if (owed.close) it.close_when_sent = true;
    ++it.first_sequence;
    Advance(it);
  } else {
    // An earlier request still waits for its answer.
    if (it.later.empty()) it.later.resize(it.owed.size());
    std::string& text = it.later[sequence % it.later.size()];
    text.clear();
    Render(text, owed, fixed, head, body);
  }
  if (!it.in_turn) Settle(it);
}

// Answers that had to wait for the one before them.
void HttpServer::Impl::Advance(Connection& it) {
  while (it.owed_count() > 0 && it.OwedAt(it.first_sequence).answered && !it.close_when_sent) {
    it.output += it.later[it.first_sequence % it.later.size()];
    if (it.OwedAt(it.first_sequence).close) it.close_when_sent = true;
    ++it.first_sequence;
  }
}

// Sends what can be sent; false if the connection has ended.
bool HttpServer::Impl::Send(Connection& it) {
  while (it.output_sent < it.output.size()) {
    const ssize_t n = ::send(it.fd.get(), it.output.data() + it.output_sent,
                             it.output.size() - it.output_sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) {
      Close(it);
      return false;
    }
    it.output_sent += static_cast<size_t>(n);
  }
  it.output.clear();  // keeps its memory
  it.output_sent = 0;
  return true;
}

// --- Responder

void Responder::Send(const http::StaticResponse& response) {
  if (server_ == nullptr) return;
  HttpServer::Impl& impl = *server_->impl_;
  Connection* const it = impl.Find(connection_, generation_);
  if (it != nullptr) impl.Answer(*it, sequence_, &response, {}, {});
}

void Responder::Send(int status, std::string_view content_type, std::string_view body,
                     std::string_view extra_headers) {
  if (server_ == nullptr) return;
  HttpServer::Impl& impl = *server_->impl_;
  Connection* const it = impl.Find(connection_, generation_);
  if (it == nullptr) return;
  http::ResponseHead head;
  head.status = status;
  head.content_type = content_type;
  head.extra_headers = extra_headers;
  impl.Answer(*it, sequence_, nullptr, head, body);
}

void Responder::SendProblem(int status, std::string_view detail, std::string_view extra_headers) {
  Send(status, http::kProblemType, http::ProblemBody(status, detail), extra_headers);
}

void Responder::Abort() {
  if (server_ == nullptr) return;
  HttpServer::Impl& impl = *server_->impl_;
  Connection* const it = impl.Find(connection_, generation_);
  if (it == nullptr) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(it->fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  impl.Close(*it);
}

void Responder::SendRawAndClose(std::string_view bytes) {
  if (server_ == nullptr) return;
  HttpServer::Impl& impl = *server_->impl_;
  Connection* const it = impl.Find(connection_, generation_);
  if (it == nullptr) return;
  it->output += bytes;
  it->close_when_sent = true;
  it->reading = false;
  if (!it->in_turn) impl.Settle(*it);
}

bool Responder::alive() const {
  return server_ != nullptr && server_->impl_->Find(connection_, generation_) != nullptr;
}

}  // namespace tollgate::server

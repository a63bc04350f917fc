// From an answer to the socket, in the order of the requests.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/http_server_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::server {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

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

// Where the text of an answer goes: the output if its request is the oldest, else it is kept for
// later. Null: the connection ends before this answer. Finish must follow.
std::string* HttpServer::Impl::Open(Connection& it, uint32_t sequence) {
  if (it.close_when_sent) return nullptr;
  TG_ASSERT(sequence - it.first_sequence < it.owed_count());
  Owed& owed = it.OwedAt(sequence);
  TG_ASSERT(!owed.answered);
  owed.answered = true;
  // The client's requests that are in get their answers; the last of these says that it is so.
  if (draining && sequence + 1 == it.next_sequence) {
    owed.close = true;
    it.reading = false;
    it.linger = true;
  }
  if (sequence == it.first_sequence) {
    if (it.output.empty() && !outputs.empty()) {
      it.output = std::move(outputs.back());
      outputs.pop_back();
    }
    return &it.output;
  }
  if (it.later.empty()) it.later.resize(it.owed.size());
  return &it.later[sequence % it.later.size()];
}

void HttpServer::Impl::Finish(Connection& it, uint32_t sequence) {
  if (sequence == it.first_sequence) Advance(it);
  if (!it.in_turn) Settle(it);
}

// The oldest request's answer is in the output: those that had to wait for it follow.
void HttpServer::Impl::Advance(Connection& it) {
  for (;;) {
    if (it.OwedAt(it.first_sequence).close) it.close_when_sent = true;
    ++it.first_sequence;
    if (it.close_when_sent) return;
    if (it.owed_count() == 0 || !it.OwedAt(it.first_sequence).answered) break;
    std::string& text = it.later[it.first_sequence % it.later.size()];
    it.output += text;
    std::string().swap(text);
  }
  if (it.owed_count() == 0 && !it.later.empty()) std::vector<std::string>().swap(it.later);
  if (it.continue_due) Continue(it);
}

// "100 Continue" goes between the answers before it and its own request's.
void HttpServer::Impl::Continue(Connection& it) {
  it.continue_due = it.owed_count() > 0;
  if (!it.continue_due) it.output += kContinue;
}

void HttpServer::Impl::Answer(Connection& it, uint32_t sequence, const http::StaticResponse* fixed,
                              const http::ResponseHead& head, std::string_view body) {
  std::string* const out = Open(it, sequence);
  if (out == nullptr) return;
  Render(*out, it.OwedAt(sequence), fixed, head, body);
  Finish(it, sequence);
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
  GiveOutput(it);
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
  std::string* const out = impl.Open(*it, sequence_);
  if (out == nullptr) return;
  *out += bytes;
  it->OwedAt(sequence_).close = true;
  it->reading = false;
  impl.Finish(*it, sequence_);
}

void Responder::SendPart(std::string_view bytes) {
  if (server_ == nullptr) return;
  HttpServer::Impl& impl = *server_->impl_;
  Connection* const it = impl.Find(connection_, generation_);
  if (it == nullptr || it->close_when_sent || sequence_ != it->first_sequence) return;
  it->output += bytes;
  if (!it->in_turn) impl.Settle(*it);
}

bool Responder::alive() const {
  if (server_ == nullptr) return false;
  const Connection* const it = server_->impl_->Find(connection_, generation_);
  return it != nullptr && !it->peer_done;
}

}  // namespace tollgate::server

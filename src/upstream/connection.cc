#include "upstream/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tollgate/base/assert.h"

namespace tollgate::upstream {

Connection::Connection(net::EventLoop& loop, Events& events, std::span<char> scratch)
    : loop_(loop), events_(events), scratch_(scratch) {}

Connection::~Connection() { TG_ASSERT(fd_ < 0); }

bool Connection::Open(base::UniqueFd fd) {
  TG_ASSERT(fd_ < 0 && fd.valid());
  if (!loop_.Add(fd.get(), EPOLLIN, this).ok()) return false;
  fd_ = fd.release();
  return true;
}

bool Connection::OpenTls(int fd, Connector& connector) {
  TG_ASSERT(fd_ < 0);
  if (!loop_.Add(fd, EPOLLIN, this).ok()) return false;
  fd_ = fd;
  tls_ = &connector;
  return true;
}

Connector* Connection::Close() {
  TG_ASSERT(exchange_ == nullptr);
  if (fd_ < 0) return nullptr;
  loop_.Remove(fd_);
  const int fd = std::exchange(fd_, -1);
  rest_.clear();
  if (tls_ == nullptr) {
    ::close(fd);
    return nullptr;
  }
  tls_->Stop();  // closes the descriptor
  return std::exchange(tls_, nullptr);
}

bool Connection::quiet() {
  if (tls_ != nullptr) return Receive() == kNotNow;
  char byte = 0;
  return ::recv(fd_, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

bool Connection::Send(Exchange& exchange, std::string_view request) {
  TG_ASSERT(fd_ >= 0 && exchange_ == nullptr && !exchange.sent);
  // Under TLS a failed write may have sent a record.
  exchange.sent = tls_ != nullptr;
  const ssize_t written = Write(request);
  if (written == kFailed && !exchange.sent) return false;
  if (written > 0) exchange.sent = true;
  const size_t taken = written > 0 ? static_cast<size_t>(written) : 0;
  rest_.assign(request.substr(taken));
  loop_.Modify(fd_, rest_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  exchange_ = &exchange;
  exchange.connection = this;
  reusable_ = false;
  reader_.Reset();
  return true;  // a failure under TLS shows again at the next event
}

Exchange& Connection::Release() {
  TG_ASSERT(exchange_ != nullptr);
  exchange_->connection = nullptr;
  return *std::exchange(exchange_, nullptr);
}

void Connection::OnEvents(uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !rest_.empty() && !WriteRest()) return End(false, false);
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) Read();
}

bool Connection::WriteRest() {
  const ssize_t written = Write(rest_);
  if (written == kFailed) return false;
  if (written <= 0) return true;
  exchange_->sent = true;
  rest_.erase(0, static_cast<size_t>(written));
  loop_.Modify(fd_, rest_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

void Connection::Read() {
  for (;;) {
    const ssize_t got = Receive();
    if (got == kNotNow) return;
    if (exchange_ == nullptr) return events_.OnIdleEnd(*this);
    if (got == kFailed) return End(false, false);
    if (got == 0) return End(reader_.OnEnd() == AnswerReader::State::kDone, false);
    const auto bytes = static_cast<size_t>(got);
    size_t taken = 0;
    const AnswerReader::State state = reader_.Feed({scratch_.data(), bytes}, taken);
    if (state == AnswerReader::State::kMore) {
      if (tls_ == nullptr && bytes < scratch_.size()) return;  // the socket is empty
      continue;
    }
    const bool whole = state == AnswerReader::State::kDone;
    // Bytes behind the answer would be read as the next answer.
    const bool clean =
        taken == bytes && (tls_ != nullptr ? Receive() == kNotNow : bytes < scratch_.size());
    return End(whole, whole && clean && rest_.empty() && reader_.keeps_alive());
  }
}

void Connection::End(bool whole, bool reusable) {
  reusable_ = reusable;
  events_.OnAnswerEnd(*this, whole);
}

ssize_t Connection::Write(std::string_view bytes) {
  if (tls_ != nullptr) {
    size_t written = 0;
    const CURLcode result = curl_easy_send(tls_->easy(), bytes.data(), bytes.size(), &written);
    if (result == CURLE_AGAIN) return kNotNow;
    return result == CURLE_OK ? static_cast<ssize_t>(written) : kFailed;
  }
  const ssize_t written = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (written >= 0) return written;
  return errno == EAGAIN || errno == EINTR ? kNotNow : kFailed;
}

ssize_t Connection::Receive() {
  if (tls_ != nullptr) {
    size_t got = 0;
    const CURLcode result = curl_easy_recv(tls_->easy(), scratch_.data(), scratch_.size(), &got);
    if (result == CURLE_AGAIN) return kNotNow;
    return result == CURLE_OK ? static_cast<ssize_t>(got) : kFailed;
  }
  const ssize_t got = ::recv(fd_, scratch_.data(), scratch_.size(), 0);
  if (got >= 0) return got;
  return errno == EAGAIN || errno == EINTR ? kNotNow : kFailed;
}

}  // namespace tollgate::upstream

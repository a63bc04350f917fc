#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace tollgate::testing {

HttpClient::HttpClient(std::string address, int timeout_ms)
    : address_(std::move(address)), timeout_ms_(timeout_ms) {}

HttpClient::~HttpClient() { Disconnect(); }

void HttpClient::Disconnect() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool HttpClient::Connect() {
  if (fd_ >= 0) return true;
  const bool is_unix = address_.find('/') != std::string::npos;
  fd_ = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{timeout_ms_ / 1000, (timeout_ms_ % 1000) * 1000};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  int result = -1;
  if (is_unix) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, address_.c_str(), sizeof(name.sun_path) - 1);
    result = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name));
  } else {
    const size_t colon = address_.rfind(':');
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<uint16_t>(std::atoi(address_.c_str() + colon + 1)));
    inet_pton(AF_INET, address_.substr(0, colon).c_str(), &name.sin_addr);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    result = connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name));
  }
  if (result != 0) Disconnect();
  return result == 0;
}

bool HttpClient::SendAll(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool HttpClient::ReadMore(std::string* input) const {
  char piece[16384];
  const ssize_t got = recv(fd_, piece, sizeof(piece), 0);
  if (got > 0) input->append(piece, static_cast<size_t>(got));
  return got > 0;
}

HttpAnswer HttpClient::ReadAnswer() {
  std::string input;
  size_t end = std::string::npos;
  while ((end = input.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore(&input)) return {};
  }
  HttpAnswer answer;
  answer.headers = input.substr(0, end + 2);
  if (answer.headers.size() < 12) return {};
  const int status = std::atoi(answer.headers.c_str() + 9);
  const char* length = strcasestr(answer.headers.c_str(), "\r\ncontent-length:");
  const size_t body_bytes = length != nullptr ? std::strtoull(length + 17, nullptr, 10) : 0;
  while (input.size() < end + 4 + body_bytes) {
    if (!ReadMore(&input)) return {};
  }
  answer.body = input.substr(end + 4, body_bytes);
  answer.status = status;
  if (strcasestr(answer.headers.c_str(), "\r\nconnection: close") != nullptr) Disconnect();
  return answer;
}

HttpAnswer HttpClient::Exchange(std::string_view method, std::string_view target,
                                std::string_view body, std::string_view headers) {
  if (!Connect()) return {};
  std::string request;
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
  request.append(headers);
  if (method != "GET") {
    request.append("Content-Type: application/json\r\nContent-Length: ");
    request.append(std::to_string(body.size())).append("\r\n");
  }
  request.append("\r\n").append(body);
  if (SendAll(request)) return AwaitAnswer();
  Disconnect();
  return {};
}

bool HttpClient::SendPart(std::string_view bytes) { return Connect() && SendAll(bytes); }

HttpAnswer HttpClient::AwaitAnswer() {
  HttpAnswer answer = ReadAnswer();
  if (answer.status == 0) Disconnect();
  return answer;
}

HttpAnswer HttpClient::Get(std::string_view target, std::string_view headers) {
  return Exchange("GET", target, {}, headers);
}
HttpAnswer HttpClient::Post(std::string_view target, std::string_view body,
                            std::string_view headers) {
  return Exchange("POST", target, body, headers);
}
HttpAnswer HttpClient::Put(std::string_view target, std::string_view body,
                           std::string_view headers) {
  return Exchange("PUT", target, body, headers);
}

}  // namespace tollgate::testing

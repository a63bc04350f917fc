// A raw TCP server for tests, on the test's loop and thread. Each complete request is passed to a
// script, which may answer, hang, close or reset. Bytes are counted; only Content-Length is parsed.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/assert.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::upstream::testing {

class ScriptedServer final : public net::EventHandler {
 public:
  class Connection final : public net::EventHandler {
   public:
    Connection(ScriptedServer& server, base::UniqueFd fd, size_t number)
        : index(number), server_(server), fd_(std::move(fd)) {
      TG_ASSERT(server_.loop_.Add(fd_.get(), EPOLLIN, this).ok());
    }
    ~Connection() override { Close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void Send(std::string_view text) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      TG_ASSERT(sent == static_cast<ssize_t>(text.size()));
    }
    void Close() {
      if (!fd_.valid()) return;
      server_.loop_.Remove(fd_.get());
      fd_.reset();
    }
    void Reset() {
      const linger now = {.l_onoff = 1, .l_linger = 0};
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      Close();
    }
    bool open() const { return fd_.valid(); }

    const size_t index;   // in order of acceptance
    size_t requests = 0;  // complete ones, on this connection

   private:
    void OnEvents(uint32_t /*events*/) override {
      if (server_.on_bytes(*this)) return;
      char part[4096];
      const ssize_t got = ::recv(fd_.get(), part, sizeof part, MSG_DONTWAIT);
      if (got <= 0) return Close();
      buffer_.append(part, static_cast<size_t>(got));
      server_.bytes_ += static_cast<size_t>(got);
      while (open()) {
        const size_t bytes = WholeRequest();
        if (bytes == 0) return;
        const std::string request = buffer_.substr(0, bytes);
        buffer_.erase(0, bytes);
        ++requests;
        server_.requests_.push_back(request);
        server_.on_request(*this, request);
      }
    }
    size_t WholeRequest() const {
      const size_t end = buffer_.find("\r\n\r\n");
      if (end == std::string::npos) return 0;
      size_t body = 0;
      constexpr std::string_view kName = "Content-Length: ";
      const size_t at = buffer_.find(kName);
      if (at < end) {
        std::from_chars(buffer_.data() + at + kName.size(), buffer_.data() + end, body);
      }
      return buffer_.size() < end + 4 + body ? 0 : end + 4 + body;
    }

    ScriptedServer& server_;
    base::UniqueFd fd_;
    std::string buffer_;
  };

  explicit ScriptedServer(net::EventLoop& loop) : loop_(loop), fd_(NewSocket()) {
    TG_ASSERT(::listen(fd_.get(), 1024) == 0);
    TG_ASSERT(loop_.Add(fd_.get(), EPOLLIN, this).ok());
  }
  ~ScriptedServer() override { loop_.Remove(fd_.get()); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // Bound to a port of 127.0.0.1 that the kernel chooses.
  static base::UniqueFd NewSocket() {
    base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(0);
    TG_ASSERT(::bind(fd.get(), AsAddress(&address), sizeof address) == 0);
    return fd;
  }
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static const sockaddr* AsAddress(const sockaddr_in* address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(address));
  }
  static uint16_t PortOf(int fd) {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    TG_ASSERT(::getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&address)), &bytes) == 0);
    return ntohs(address.sin_port);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(PortOf(fd_.get())); }
  const std::vector<std::string>& requests() const { return requests_; }
  std::vector<std::unique_ptr<Connection>>& connections() { return connections_; }
  size_t bytes() const { return bytes_; }

  // Bytes wait unread. True: the script has handled the connection.
  std::function<bool(Connection&)> on_bytes = [](Connection&) { return false; };
  std::function<void(Connection&, std::string_view request)> on_request = [](Connection&,
                                                                             std::string_view) {};

 private:
  void OnEvents(uint32_t /*events*/) override {
    while (true) {
      base::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd.valid()) return;
      connections_.push_back(
          std::make_unique<Connection>(*this, std::move(fd), connections_.size()));
    }
  }

  net::EventLoop& loop_;
  base::UniqueFd fd_;
  size_t bytes_ = 0;
  std::vector<std::string> requests_;
  std::vector<std::unique_ptr<Connection>> connections_;  // closed ones stay, for their counts
};

}  // namespace tollgate::upstream::testing

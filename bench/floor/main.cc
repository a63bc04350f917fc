// bench-floor: a bare epoll loop that receives and sends without looking. What it costs is what
// the kernel asks for a request and an answer; a gateway can only come near it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "tollgate/base/standard_descriptors.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/listener.h"

namespace {

using tollgate::base::UniqueFd;

constexpr std::string_view kAnswer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

int Fail(const char* what) {
  std::perror(what);
  return 1;
}

bool Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// False: out of descriptors or memory.
bool AcceptAll(int epoll, int listener, bool tcp) {
  for (;;) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    const int on = 1;
    if (tcp && ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) return false;
    if (!Watch(epoll, fd.get())) return false;
    (void)fd.release();  // closed when its client closes
  }
}

void Serve(int fd, std::array<char, 16384>& buffer) {
  const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  const bool sent = got > 0 && ::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) > 0;
  if (!sent) ::close(fd);
}

int Run(int listener, bool tcp) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid() || !Watch(epoll.get(), listener)) return Fail("bench-floor: epoll");
  std::array<epoll_event, 256> events;
  std::array<char, 16384> buffer;
  for (;;) {
    const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) return Fail("bench-floor: epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd != listener) {
        Serve(fd, buffer);
      } else if (!AcceptAll(epoll.get(), listener, tcp)) {
        return Fail("bench-floor: accept");
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  CLI::App app("Answers whatever comes with 202, without looking at it.");
  std::string listen;
  app.add_option("--listen", listen, "HOST:PORT or the path of a Unix socket")
      ->envname("SERVER_SOCKET")
      ->required();
  CLI11_PARSE(app, argc, argv);
  const auto address = tollgate::net::ParseAddress(listen);
  if (!address.ok()) {
    std::fprintf(stderr, "bench-floor: %s\n", address.error().message.c_str());
    return 2;
  }
  const bool is_unix = address.value().is_unix();
  auto listener = is_unix ? tollgate::net::ListenUnix(address.value().unix_path)
                          : tollgate::net::ListenTcp(address.value(), false);
  if (!listener.ok()) {
    std::fprintf(stderr, "bench-floor: %s\n", listener.error().message.c_str());
    return 1;
  }
  return Run(listener.value().get(), !is_unix);
}

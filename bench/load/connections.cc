#include "bench/load/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <ctime>

#include "tollgate/base/clock.h"

namespace tollgate::bench {
namespace {

base::Result<base::UniqueFd> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::Error{path + ": too long", 0};
  std::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::ErrnoError("socket");
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof(address)) != 0) return base::ErrnoError(path);
  return fd;
}

base::Result<base::UniqueFd> ConnectTcp(const net::Address& where) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where.port);
  if (::inet_pton(AF_INET, where.host.c_str(), &address.sin_addr) != 1) {
    return base::Error{where.host + ": an IPv4 address is wanted", 0};
  }
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::ErrnoError("socket");
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof(address)) != 0) {
    return base::ErrnoError(net::ToString(where));
  }
  const int on = 1;
  if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
    return base::ErrnoError("TCP_NODELAY");
  }
  return fd;
}

}  // namespace

base::Result<Connections> Connections::Open(const net::Address& address, size_t count) {
  Connections connections;
  connections.address_ = address;
  connections.epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!connections.epoll_.valid()) return base::ErrnoError("epoll_create1");
  connections.all_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const auto status = connections.Connect(i);
    if (!status.ok()) return status.error();
  }
  return connections;
}

base::Status Connections::Connect(size_t index) {
  auto fd = address_.is_unix() ? ConnectUnix(address_.unix_path) : ConnectTcp(address_);
  if (!fd.ok()) return fd.error();
  if (::fcntl(fd.value().get(), F_SETFL, O_NONBLOCK) != 0) return base::ErrnoError("O_NONBLOCK");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.value().get(), &event) != 0) {
    return base::ErrnoError("epoll_ctl");
  }
  all_[index].fd = std::move(fd).value();
  all_[index].input.clear();
  return base::OkStatus();
}

base::Status Connections::Reopen(size_t index) {
  all_[index].fd.reset();
  return Connect(index);
}

base::Status Connections::Wait(int64_t timeout_ns, std::vector<size_t>& ready) {
  std::array<epoll_event, 512> events;
  const timespec timeout{.tv_sec = timeout_ns / base::kNanosPerSecond,
                         .tv_nsec = timeout_ns % base::kNanosPerSecond};
  const int count = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   timeout_ns < 0 ? nullptr : &timeout, nullptr);
  ready.clear();
  if (count < 0 && errno != EINTR) return base::ErrnoError("epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    // A copy: an epoll_event is packed, and a reference into it may be misaligned.
    const uint64_t index = events[static_cast<size_t>(i)].data.u64;
    ready.push_back(index);
  }
  return base::OkStatus();
}

}  // namespace tollgate::bench

#include "tollgate/net/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

namespace tollgate::net {
namespace {

constexpr int kBacklog = 4096;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

base::Result<AddressList> Resolve(const Address& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(address.port);
  const int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(),
                                  port.c_str(), &hints, &list);
  if (error != 0) {
    return base::Error{"the host of the address " + ToString(address) + " is not known (" +
                       ::gai_strerror(error) + ")"};
  }
  return AddressList(list, &::freeaddrinfo);
}

base::Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) {
    return base::Error{"the socket path " + path + " is longer than " +
                       std::to_string(sizeof(name.sun_path) - 1) + " bytes; choose a shorter one"};
  }
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return name;
}

template <typename Name>
const sockaddr* AsSockaddr(const Name& name) {
  return reinterpret_cast<const sockaddr*>(&name);
}

bool ConnectsTo(int family, const sockaddr* name, socklen_t bytes) {
  const base::UniqueFd probe(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return false;
  // EAGAIN: a Unix listener with a full backlog. EINPROGRESS: a TCP listener that will answer.
  return ::connect(probe.get(), name, bytes) == 0 || errno == EAGAIN || errno == EINPROGRESS;
}

// Between checking a socket file and replacing or removing it, no other process may do the same.
struct FolderLock {
  base::UniqueFd fd;      // released on destruction; none if the folder cannot be read
  bool anothers = false;  // another process held the lock all the time
};

// Works without a lock if the folder cannot be read or its file system has no such lock. Two starts
// at the same moment are then not excluded.
FolderLock LockFolderOf(const std::string& path, int seconds_max) {
  constexpr int kTriesPerSecond = 100;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return {};
  for (int i = 0; i < seconds_max * kTriesPerSecond; ++i) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {std::move(fd)};
    std::this_thread::sleep_for(std::chrono::milliseconds(1000 / kTriesPerSecond));
  }
  return {std::move(fd), true};
}

// What to do if the socket file cannot be created.
const char* AdviceOnFolder(int code) {
  if (code == ENOENT) return "; create its folder, or choose another path";
  if (code != EACCES && code != EPERM && code != EROFS) return "";
  return "; let this user write to its folder (a volume: tmpfs with mode=1777, or run as root)";
}

}  // namespace

base::Result<base::UniqueFd> ListenTcp(const Address& address, bool reuse_port) {
  auto resolved = Resolve(address);
  if (!resolved.ok()) return resolved.error();
  const addrinfo& it = *resolved.value();
  base::UniqueFd fd(::socket(it.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string what = "cannot listen on " + ToString(address);
  if (!fd.valid()) return base::ErrnoError(what);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Accepted sockets inherit it: answers are not delayed to be joined with later ones.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (reuse_port && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return base::ErrnoError(what);
  }
  if (::bind(fd.get(), it.ai_addr, it.ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int code = errno;
    const char* const advice =
        code == EADDRINUSE ? "; stop what listens there or choose another LISTEN" : "";
    return base::Error{what + ": " + std::strerror(code) + advice, code};
  }
  return fd;
}

base::Result<std::vector<base::UniqueFd>> ListenTcpTogether(Address address, size_t count) {
  std::vector<base::UniqueFd> listeners;
  // The first socket is bound without SO_REUSEPORT, so of two starts the kernel lets one in. Only
  // then is the port shared. The first socket of another start comes without SO_REUSEPORT and is
  // refused.
  auto first = ListenTcp(address, false);
  if (!first.ok()) return first.error();
  const int on = 1;
  if (::setsockopt(first.value().get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return base::ErrnoError("cannot share " + ToString(address));
  }
  listeners.push_back(std::move(first).value());
  address.port = LocalPort(listeners.front().get());
  while (listeners.size() < count) {
    auto next = ListenTcp(address, true);
    if (!next.ok()) return next.error();
    listeners.push_back(std::move(next).value());
  }
  return listeners;
}

bool IsTaken(const Address& address) {
  if (address.is_unix()) {
    const auto name = UnixAddress(address.unix_path);
    return name.ok() && ConnectsTo(AF_UNIX, AsSockaddr(name.value()), sizeof(sockaddr_un));
  }
  if (address.port == 0) return false;
  // Without SO_REUSEPORT, bind() says whether the port is free.
  const auto probe = ListenTcp(address, false);
  return !probe.ok() && probe.error().code == EADDRINUSE;
}

bool SocketFile::Remove() {
  if (path_.empty()) return false;
  constexpr int kSecondsMax = 1;  // a holder needs only a few system calls; a drain waits for this
  const FolderLock lock = LockFolderOf(path_, kSecondsMax);
  if (lock.anothers) return false;  // the next start replaces the file
  struct stat there {};
  const bool ours = ::lstat(path_.c_str(), &there) == 0 && S_ISSOCK(there.st_mode) &&
                    there.st_dev == device_ && there.st_ino == inode_;
  return ours && ::unlink(path_.c_str()) == 0;
}

base::Result<base::UniqueFd> ListenUnix(const std::string& path, SocketFile* file) {
  const auto name = UnixAddress(path);
  if (!name.ok()) return name.error();
  constexpr int kSecondsMax = 5;
  const FolderLock lock = LockFolderOf(path, kSecondsMax);  // until the socket has its name
  if (ConnectsTo(AF_UNIX, AsSockaddr(name.value()), sizeof(sockaddr_un))) {
    return base::Error{
        "the socket " + path + " is served by another process; stop it or choose another path",
        EADDRINUSE};
  }
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode) && !S_ISLNK(there.st_mode)) {
    return base::Error{path + " is there and is no socket; move it away or choose another path",
                       EEXIST};
  }
  const std::string unfinished = path + "." + std::to_string(::getpid());
  const auto temporary = UnixAddress(unfinished);
  if (!temporary.ok()) return temporary.error();
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string what = "cannot listen on " + path;
  if (!fd.valid()) return base::ErrnoError(what);
  ::unlink(unfinished.c_str());
  if (::bind(fd.get(), AsSockaddr(temporary.value()), sizeof(sockaddr_un)) != 0) {
    const int code = errno;
    return base::Error{what + ": " + std::strerror(code) + AdviceOnFolder(code), code};
  }
  const bool named =
      ::chmod(unfinished.c_str(), 0666) == 0 && ::lstat(unfinished.c_str(), &there) == 0 &&
      ::listen(fd.get(), kBacklog) == 0 && ::rename(unfinished.c_str(), path.c_str()) == 0;
  if (!named) {
    const base::Error error = base::ErrnoError(what);
    ::unlink(unfinished.c_str());
    return error;
  }
  if (file != nullptr) {
    file->path_ = path;
    file->device_ = there.st_dev;
    file->inode_ = there.st_ino;
  }
  return fd;
}

uint16_t LocalPort(int fd) {
  sockaddr_storage name{};
  socklen_t bytes = sizeof(name);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &bytes) != 0) return 0;
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(name).sin6_port);
  return name.ss_family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port)
                                   : uint16_t{0};
}

}  // namespace tollgate::net

#include "upstream/curl_driver.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::upstream {
namespace {

// curl_global_init is thread-safe in 7.88 (`curl -V`: threadsafe), and counts its calls.
void InitCurlOnce() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  TG_ASSERT(result == CURLE_OK);
}

uint32_t ToEpoll(int what) {
  switch (what) {
    case CURL_POLL_IN:
      return EPOLLIN;
    case CURL_POLL_OUT:
      return EPOLLOUT;
    case CURL_POLL_INOUT:
      return EPOLLIN | EPOLLOUT;
    default:
      return 0;
  }
}

// Passes an error on together with what curl waits for. CURL_CSELECT_ERR alone makes Curl_readwrite
// (lib/transfer.c) fail with unread bytes of the answer.
int ToCurl(uint32_t events, uint32_t wanted) {
  int result = 0;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    result |= CURL_CSELECT_ERR;
    events |= wanted;
  }
  if ((events & EPOLLIN) != 0) result |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) result |= CURL_CSELECT_OUT;
  return result;
}

}  // namespace

CurlDriver::CurlDriver(net::EventLoop& loop, Events& events, size_t connections_max)
    : loop_(loop), events_(events), timer_(loop, [this] { Act(CURL_SOCKET_TIMEOUT, 0); }) {
  InitCurlOnce();
  multi_ = curl_multi_init();
  TG_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlDriver::OnSocketChange);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlDriver::OnTimerChange);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

CurlDriver::~CurlDriver() {
  curl_multi_cleanup(multi_);  // closes the kept connections through CloseSocket
  for (auto& socket : sockets_) {
    if (socket != nullptr) Unwatch(*socket);
  }
}

void CurlDriver::Adopt(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlDriver::OpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlDriver::CloseSocket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

bool CurlDriver::Start(CURL* easy) { return curl_multi_add_handle(multi_, easy) == CURLM_OK; }

void CurlDriver::Remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

int CurlDriver::Lend(CURL* easy) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK) return -1;
  if (fd != CURL_SOCKET_BAD) Unwatch(SocketOf(fd));
  return fd;
}

base::UniqueFd CurlDriver::TakeOver(CURL* easy) {
  const int fd = Lend(easy);
  if (fd >= 0) SocketOf(fd).taken_over = true;
  return base::UniqueFd(fd);
}

int CurlDriver::OnSocketChange(CURL* /*easy*/, curl_socket_t fd, int what, void* self,
                               void* /*socket*/) {
  auto& driver = *static_cast<CurlDriver*>(self);
  Socket& socket = driver.SocketOf(fd);
  const uint32_t before = socket.wanted;
  socket.wanted = ToEpoll(what);
  if (socket.wanted != 0) {
    driver.Watch(socket, socket.wanted);
  } else if (socket.is_connection && socket.watched && (before & EPOLLIN) != 0) {
    driver.Watch(socket, EPOLLIN);  // idle, or CloseSocket follows
  } else {
    // A resolver's socket, or one that did not connect. curl closes these without a callback, or
    // has closed them already (lib/cf-socket.c, cf_socket_close, "not active").
    driver.Unwatch(socket);
  }
  return 0;
}

int CurlDriver::OnTimerChange(CURLM* /*multi*/, long timeout_ms, void* self) {
  auto& driver = *static_cast<CurlDriver*>(self);
  if (timeout_ms < 0) {
    driver.timer_.Disarm();
  } else if (timeout_ms == 0) {
    driver.timer_.Arm(driver.loop_.now_ns());
  } else {
    // The loop's time is from the start of the turn; curl counts from now.
    driver.timer_.Arm(driver.loop_.clock().MonotonicNanos() + timeout_ms * base::kNanosPerMilli);
  }
  return 0;
}

curl_socket_t CurlDriver::OpenSocket(void* self, curlsocktype /*purpose*/,
                                     struct curl_sockaddr* address) {
  auto& driver = *static_cast<CurlDriver*>(self);
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  Socket& socket = driver.SocketOf(fd);
  socket.is_connection = true;
  if (socket.watched) {
    // curl closed the last socket with this number without a callback, so epoll has dropped the
    // watch.
    driver.Unwatch(socket);
    driver.Watch(socket, socket.wanted);
  }
  ++driver.connections_opened_;
  return fd;
}

int CurlDriver::CloseSocket(void* self, curl_socket_t fd) {
  auto& driver = *static_cast<CurlDriver*>(self);
  Socket& socket = driver.SocketOf(fd);
  driver.Unwatch(socket);
  socket.is_connection = false;
  socket.wanted = 0;
  return std::exchange(socket.taken_over, false) ? 0 : ::close(fd);
}

CurlDriver::Socket& CurlDriver::SocketOf(int fd) {
  const auto index = static_cast<size_t>(fd);
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  if (sockets_[index] == nullptr) sockets_[index] = std::make_unique<Socket>(*this, fd);
  return *sockets_[index];
}

void CurlDriver::Watch(Socket& socket, uint32_t events) {
  if (socket.watched) {
    loop_.Modify(socket.fd_, events);
  } else if (loop_.Add(socket.fd_, events, &socket).ok()) {
    socket.watched = true;
  } else {
    ++watch_failures_;  // an error to curl would end every transfer of the multi handle
  }
}

void CurlDriver::Unwatch(Socket& socket) {
  if (!socket.watched) return;
  loop_.Remove(socket.fd_);
  socket.watched = false;
}

void CurlDriver::OnSocketEvents(Socket& socket, uint32_t events) {
  if (socket.wanted == 0) {
    EndIdleConnection(socket);
  } else {
    Act(socket.fd_, ToCurl(events, socket.wanted));
  }
}

// The other side closed the connection or sent stray bytes. Shut down and drain the socket: curl's
// check before the next use then finds the end of the stream and drops the connection.
void CurlDriver::EndIdleConnection(Socket& socket) {
  Unwatch(socket);
  std::array<char, 4096> waste;
  ::shutdown(socket.fd_, SHUT_RDWR);
  while (::recv(socket.fd_, waste.data(), waste.size(), MSG_DONTWAIT) > 0) {
  }
}

void CurlDriver::Act(curl_socket_t fd, int curl_events) {
  int running = 0;
  const CURLMcode code = curl_multi_socket_action(multi_, fd, curl_events, &running);
  TG_ASSERT(code == CURLM_OK);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    events_.OnTransferDone(message->easy_handle, message->data.result);
  }
}

}  // namespace tollgate::upstream

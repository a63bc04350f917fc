// CurlDriver: one libcurl multi handle on the loop's epoll and timers (curl's docs/MULTI-EV.md).
//
// A connection stays in epoll while curl keeps it idle, so a transfer on a reused connection needs
// no epoll_ctl. The watch also works around a curl bug: 7.88.1 takes an idle connection with unread
// bytes for a good one (lib/cf-socket.c, cf_socket_conn_is_alive), and would read these bytes as
// the answer to the next request. Here bytes on an idle connection end it.
//
// Thread: the loop's. No curl call is made from inside a curl callback.
// Owns: the multi handle, its connections and their sockets. It does not own the easy handles.
// Invariants: a descriptor leaves the loop before it is closed.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::upstream {

class CurlDriver {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    // `easy` is done and still in the multi handle: call Remove to take it out. Must not destroy
    // the driver.
    virtual void OnTransferDone(CURL* easy, CURLcode result) = 0;
  };

  // Keeps at most `connections_max` connections.
  CurlDriver(net::EventLoop& loop, Events& events, size_t connections_max);
  // REQUIRES: every started handle was removed.
  ~CurlDriver();
  CurlDriver(const CurlDriver&) = delete;
  CurlDriver& operator=(const CurlDriver&) = delete;

  // Lets this driver open and close the sockets of `easy`. Call once per handle.
  void Adopt(CURL* easy);
  // False if curl refuses (out of memory); nothing has been sent then.
  [[nodiscard]] bool Start(CURL* easy);
  // Takes a started handle out; no event follows, and it may be started again. If it was not done,
  // the processor may have received its request.
  void Remove(CURL* easy);

  // Passes the connection of a finished CURLOPT_CONNECT_ONLY handle to the caller, who closes it;
  // Remove leaves it open. Invalid if there is none.
  base::UniqueFd TakeOver(CURL* easy);
  // Like TakeOver, but the caller only watches the connection, and Remove closes it. -1 if there is
  // none.
  int Lend(CURL* easy);

  uint64_t connections_opened() const { return connections_opened_; }
  // How often the kernel refused to watch a socket; the transfer on it ends by its time-out.
  uint64_t watch_failures() const { return watch_failures_; }

 private:
  class Socket final : public net::EventHandler {
   public:
    Socket(CurlDriver& driver, int fd) : driver_(driver), fd_(fd) {}
    void OnEvents(uint32_t events) override { driver_.OnSocketEvents(*this, events); }
    CurlDriver& driver_;
    const int fd_;
    bool watched = false;        // in the loop
    bool is_connection = false;  // opened by OpenSocket, so CloseSocket reports its close
    bool taken_over = false;     // by the caller, so CloseSocket does not close it
    uint32_t wanted = 0;         // what curl waits for; 0: idle
  };

  static int OnSocketChange(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int OnTimerChange(CURLM* multi, long timeout_ms, void* self);
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, struct curl_sockaddr* address);
  static int CloseSocket(void* self, curl_socket_t fd);
  Socket& SocketOf(int fd);
  void Watch(Socket& socket, uint32_t events);
  void Unwatch(Socket& socket);
  void OnSocketEvents(Socket& socket, uint32_t events);
  void EndIdleConnection(Socket& socket);
  void Act(curl_socket_t fd, int curl_events);

  net::EventLoop& loop_;
  Events& events_;
  net::Timer timer_;
  std::vector<std::unique_ptr<Socket>> sockets_;  // by descriptor; kept for reuse of the number
  CURLM* multi_ = nullptr;
  uint64_t connections_opened_ = 0;
  uint64_t watch_failures_ = 0;
};

}  // namespace tollgate::upstream

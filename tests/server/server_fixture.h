// A server and its clients in one thread. Every step of a client runs the server's loop until the
// client has what it waits for, so no test depends on time. The clock is manual.
//
// Thread: the test's.
// Owns: the loop, the server, a Unix and a TCP listener; a client owns its socket.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/clock.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/server/http_server.h"
#include "tollgate/server/server_counters.h"
#include "tollgate/server/server_group.h"

namespace tollgate::server {

struct Response {
  int status = 0;
  std::string head;
  std::string body;
  bool Has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

enum class Ending { kOpen, kEnd, kReset };

class Client {
 public:
  Client(std::function<void()> turn, base::UniqueFd fd)
      : turn_(std::move(turn)), fd_(std::move(fd)) {}

  // Sends all of it, and runs the loop when the socket is full; false if the server has closed.
  bool Send(std::string_view bytes);
  // The next answer; `head_only` for the answer to a HEAD request. Status 0: none came.
  Response Read(bool head_only = false);
  // What has arrived so far, after the loop found nothing more to do.
  const std::string& Peek();
  // Reads until the server ends the connection.
  Ending ReadToEnd();
  // The state of the connection, after the loop found nothing more to do.
  Ending State();
  std::string& text() { return text_; }
  int fd() const { return fd_.get(); }
  void HalfClose();
  void Close() { fd_.reset(); }

 private:
  // Reads what is there; false if nothing was.
  bool Take();
  template <typename Condition>
  bool TurnUntil(Condition condition);

  std::function<void()> turn_;
  base::UniqueFd fd_;
  std::string text_;
  Ending ending_ = Ending::kOpen;
};

class ServerTest : public ::testing::Test, public RequestHandler {
 protected:
  ServerTest();
  ~ServerTest() override;

  // With `options`, which a test may change before.
  void Start();
  // Runs the loop until nothing more can happen without a client or the clock.
  void Turn();
  void Advance(int64_t ms);
  Client Connect();
  Client ConnectTcp();

  // "/now" is answered at once, "/later" is kept in `later`, "/echo" returns the body, "/bytes?N"
  // returns N bytes; `other` handles the rest.
  void OnRequest(const http::Request& request, Responder responder) override;

  base::ManualClock clock;
  net::EventLoop loop{clock};
  ServerOptions options;
  std::unique_ptr<ServerGroup> group;  // made by Start
  std::unique_ptr<HttpServer> server;
  std::vector<std::string> seen;  // path?query of every request
  std::vector<Responder> later;
  std::function<void(const http::Request&, Responder)> other;
  base::UniqueFd unix_listener;
  base::UniqueFd tcp_listener;

 private:
  std::string folder_;
};

std::string Get(std::string_view target, std::string_view extra_headers = {});
std::string Post(std::string_view target, std::string_view body,
                 std::string_view extra_headers = {});

}  // namespace tollgate::server

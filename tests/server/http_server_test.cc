#include "tollgate/server/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>
#include <thread>
#include <vector>

#include "tollgate/net/listener.h"
#include "tollgate/server/server_counters.h"

namespace tollgate::server {
namespace {

// Answers at once with the path; keeps the answers under /later until /now comes.
class Handler final : public RequestHandler {
 public:
  void OnRequest(const http::Request& request, Responder responder) override {
    if (request.path == "/later") return kept.push_back(responder);
    if (request.path == "/abort") return responder.Abort();
    if (request.path == "/raw") return responder.SendRawAndClose("nonsense");
    if (request.path == "/now") {
      auto answers = std::move(kept);
      kept.clear();
      // The last one first: they must still leave in the order of the requests.
      for (size_t i = answers.size(); i-- > 0;) {
        answers[i].Send(200, "text/plain", "late" + std::to_string(i));
      }
      return responder.Send(200, "text/plain", "now");
    }
    responder.Send(
        200, "text/plain",
        std::string(request.path) + (request.body.empty() ? "" : ":") + std::string(request.body));
  }
  std::vector<Responder> kept;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    listener_ = net::ListenTcp({.host = "127.0.0.1"}, false).value();
    server_ = std::make_unique<HttpServer>(loop_, options, handler_);
    ASSERT_TRUE(server_->Listen(listener_.get(), false).ok());
  }
  // Runs the loop a little; everything is on one thread, so nothing depends on speed.
  void Turn(int times = 20) {
    for (int i = 0; i < times; ++i) loop_.RunOnce(1);
  }
  base::UniqueFd Connect() {
    base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(net::LocalPort(listener_.get()));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    return fd;
  }
  void Write(const base::UniqueFd& fd, std::string_view text) {
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What has arrived so far; "<end>" stands for the end, "<reset>" for a reset.
  std::string Read(const base::UniqueFd& fd) {
    Turn();
    std::string text;
    for (;;) {
      pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 0) == 0) return text;
      char part[4096];
      const ssize_t n = ::recv(fd.get(), part, sizeof(part), 0);
      if (n == 0) return text + "<end>";
      if (n < 0) return text + "<reset>";
      text.append(part, static_cast<size_t>(n));
      Turn(2);
    }
  }
  static std::string Ok(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
  }
  static std::string Get(const std::string& path, const std::string& fields = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  }

  base::ManualClock clock_;
  net::EventLoop loop_{clock_};
  Handler handler_;
  base::UniqueFd listener_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrderAlsoWhenTheyAreGivenOutOfOrder) {
  Start();
  const auto client = Connect();
  Write(client, Get("/a") + Get("/later") + Get("/b") + Get("/later") + Get("/now") + Get("/c"));
  EXPECT_EQ(Read(client), Ok("/a") + Ok("late0") + Ok("/b") + Ok("late1") + Ok("now") + Ok("/c"));
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
  Start();
  const auto client = Connect();
  const std::string request = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  for (const char c : request) {
    Write(client, std::string_view(&c, 1));
    Turn(1);
  }
  EXPECT_EQ(Read(client), Ok("/x:abc"));
}

TEST_F(HttpServerTest, AFramingErrorIsAnsweredAndWhatFollowsIsNotRead) {
  Start();
  const auto client = Connect();
  Write(client, Get("/a") + "BAD\r\n\r\n" + Get("/b"));
  const std::string text = Read(client);
  EXPECT_TRUE(text.starts_with(Ok("/a") + "HTTP/1.1 400 Bad Request\r\n")) << text;
  EXPECT_NE(text.find("Connection: close"), std::string::npos);
  EXPECT_EQ(text.find("/b"), std::string::npos);
  EXPECT_TRUE(text.ends_with("<end>")) << text;
  EXPECT_EQ(server_->counters().bad_requests.value(), 1U);
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  Start();
  const auto client = Connect();
  Write(client, "HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/d"));
  EXPECT_EQ(Read(client),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n" + Ok("/d"));
}

TEST_F(HttpServerTest, ConnectionsEndAsVersionAndConnectionSay) {
  Start();
  const auto close = Connect();
  Write(close, Get("/a", "Connection: close\r\n"));
  EXPECT_EQ(Read(close), Ok("/a", "Connection: close\r\n") + "<end>");
  const auto old = Connect();
  Write(old, "GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(Read(old), Ok("/a", "Connection: close\r\n") + "<end>");
  const auto kept = Connect();
  Write(kept, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(Read(kept), Ok("/a", "Connection: keep-alive\r\n"));
}

TEST_F(HttpServerTest, ContinueIsSaidOnce) {
  Start();
  const auto client = Connect();
  Write(client, "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(Read(client), "HTTP/1.1 100 Continue\r\n\r\n");
  Write(client, "y");
  EXPECT_EQ(Read(client), Ok("/x:y"));
}

TEST_F(HttpServerTest, ALargeBodyIsTakenAndALargerOneRefused) {
  Start();
  const auto client = Connect();
  const std::string body(65'000, 'z');
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ";
  Write(client, head + "65000\r\n\r\n" + body);
  EXPECT_EQ(Read(client), Ok("/x:" + body));
  Write(client, head + "70000\r\n\r\n");
  EXPECT_TRUE(Read(client).starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, APipelineLongerThanItsLimitWaitsAndIsAnsweredWhole) {
  Start({.pipeline_max = 2});
  const auto client = Connect();
  Write(client, Get("/later") + Get("/later") + Get("/x") + Get("/y"));
  EXPECT_EQ(Read(client), "");
  EXPECT_EQ(handler_.kept.size(), 2U);
  const auto other = Connect();
  Write(other, Get("/now"));
  EXPECT_EQ(Read(other), Ok("now"));
  EXPECT_EQ(Read(client), Ok("late0") + Ok("late1") + Ok("/x") + Ok("/y"));
}

TEST_F(HttpServerTest, TimeLimitsEndSlowAndIdleConnections) {
  Start({.header_timeout_ms = 1'000, .body_timeout_ms = 2'000, .idle_timeout_ms = 3'000});
  const auto idle = Connect();
  const auto header = Connect();
  const auto body = Connect();
  Write(header, "GET / HT");
  Write(body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  Turn();
  for (int i = 0; i < 9; ++i) {
    clock_.AdvanceMillis(100);
    Write(header, "T");  // a byte at intervals renews nothing
    Turn(2);
  }
  EXPECT_EQ(Read(header), "");
  clock_.AdvanceMillis(200);
  EXPECT_TRUE(Read(header).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(Read(body), "");
  clock_.AdvanceMillis(1'000);
  EXPECT_TRUE(Read(body).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(Read(idle), "");
  clock_.AdvanceMillis(1'000);
  EXPECT_EQ(Read(idle), "<end>");
  EXPECT_EQ(server_->counters().timeouts.value(), 3U);
}

TEST_F(HttpServerTest, AConnectionThatWaitsForUsIsUnderNoLimit) {
  Start({.header_timeout_ms = 100, .body_timeout_ms = 100, .idle_timeout_ms = 100});
  const auto client = Connect();
  Write(client, Get("/later"));
  Turn();
  clock_.AdvanceMillis(10'000);
  EXPECT_EQ(Read(client), "");
  handler_.kept.at(0).Send(200, "text/plain", "x");
  EXPECT_EQ(Read(client), Ok("x"));
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitWaitOutside) {
  Start({.connections_max = 1});
  auto first = Connect();
  Write(first, Get("/a"));
  EXPECT_EQ(Read(first), Ok("/a"));
  const auto second = Connect();
  Write(second, Get("/b"));
  EXPECT_EQ(Read(second), "");
  first.reset();
  Turn();
  clock_.AdvanceMillis(200);
  EXPECT_EQ(Read(second), Ok("/b"));
}

TEST_F(HttpServerTest, AClientThatWentAwayIsNotAnswered) {
  Start();
  auto client = Connect();
  Write(client, Get("/later"));
  Turn();
  client.reset();
  Turn();
  EXPECT_FALSE(handler_.kept.at(0).alive());
  handler_.kept.at(0).Send(200, "text/plain", "x");
  EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(HttpServerTest, DrainingClosesIdleConnectionsAndAnswersTheRestWithClose) {
  Start();
  const auto idle = Connect();
  const auto busy = Connect();
  Write(busy, Get("/later"));
  Turn();
  EXPECT_FALSE(server_->idle());
  server_->StartDrain();
  EXPECT_EQ(Read(idle), "<end>");
  handler_.kept.at(0).Send(200, "text/plain", "x");
  EXPECT_EQ(Read(busy), Ok("x", "Connection: close\r\n") + "<end>");
  EXPECT_TRUE(server_->idle());
}

TEST_F(HttpServerTest, FaultSwitchesBreakTheConnection) {
  Start();
  const auto aborted = Connect();
  Write(aborted, Get("/abort"));
  EXPECT_EQ(Read(aborted), "<reset>");
  const auto raw = Connect();
  Write(raw, Get("/raw"));
  EXPECT_EQ(Read(raw), "nonsense<end>");
}

TEST_F(HttpServerTest, OutOfDescriptorsItRefusesPausesAndRecovers) {
  Start();
  const auto first = Connect();
  Turn();
  std::vector<base::UniqueFd> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Connect());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // No further descriptor can be opened.
  const rlimit none{.rlim_cur = static_cast<rlim_t>(clients.back().get()) + 1,
                    .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Turn(50);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GE(server_->counters().accept_pauses.value(), 1U);
  EXPECT_LE(server_->counters().accept_pauses.value(), 2U) << "it spins";
  clock_.AdvanceMillis(200);
  Turn();
  Write(clients.back(), Get("/a"));
  EXPECT_EQ(Read(clients.back()), Ok("/a"));
  Write(first, Get("/b"));
  EXPECT_EQ(Read(first), Ok("/b"));
}

}  // namespace
}  // namespace tollgate::server

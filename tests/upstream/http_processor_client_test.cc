// What is certainly not sent, what may have been sent, and the form of a request.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/upstream/client_fixture.h"

namespace tollgate::upstream {
namespace {

// As in tollgate reconcile: such a client cannot charge.
TEST_F(HttpProcessorClientTest, AClientWithNoPaymentsInFlightPostsNothingAndLooksUp) {
  ProcessorOptions options = Options();
  options.in_flight_max = 0;
  Start(options);
  server_.on_request = [](ScriptedServer::Connection& connection, std::string_view) {
    connection.Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  };
  EXPECT_FALSE(client_->Post(Request(), 1));
  const LookupResult result = LookupOne(2);
  EXPECT_EQ(result.outcome, LookupOutcome::kAbsent);
  EXPECT_EQ(result.http_status, 404);
  EXPECT_FALSE(client_->Post(Request(), 3));
  EXPECT_EQ(server_.requests().size(), 1U);
  EXPECT_TRUE(posted_.empty());
}

// ---- Certainly not sent, and not certainly ----

TEST_F(HttpProcessorClientTest, RefusedPortIsNotSent) {
  const base::UniqueFd bound_not_listening = ScriptedServer::NewSocket();
  ProcessorOptions options = Options();
  options.url =
      "http://127.0.0.1:" + std::to_string(ScriptedServer::PortOf(bound_not_listening.get()));
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, NameThatDoesNotResolveIsNotSent) {
  ProcessorOptions options = Options();
  options.url = "http://no-such-processor.invalid:8080";
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, ConnectTimeoutIsNotSent) {
  // A full accept queue: the kernel drops further SYNs.
  const base::UniqueFd full = ScriptedServer::NewSocket();
  ASSERT_EQ(::listen(full.get(), 0), 0);
  const uint16_t port = ScriptedServer::PortOf(full.get());
  std::vector<base::UniqueFd> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = ScriptedServer::Loopback(port);
    (void)::connect(fillers.back().get(), ScriptedServer::AsAddress(&address), sizeof address);
  }
  ProcessorOptions options = Options();
  options.url = "http://127.0.0.1:" + std::to_string(port);
  options.connect_timeout_ms = 50;
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
}

TEST_F(HttpProcessorClientTest, ResetBeforeReadingIsUnknown) {
  server_.on_bytes = [](Connection& connection) {
    connection.Reset();
    return true;
  };
  Start(Options());
  EXPECT_STREQ(Name(PostOne().outcome), "unknown");
}

// The double send: curl would repeat the POST on a new connection by itself.
TEST_F(HttpProcessorClientTest, PostIsNotSentAgainWhenAReusedConnectionDrops) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    if (connection.index == 0 && connection.requests == 2) return connection.Close();
    connection.Send(kOk);
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(server_.requests().size(), 2U);
  EXPECT_STREQ(Name(PostOne(3).outcome), "confirmed");
}

TEST_F(HttpProcessorClientTest, PostIsNotSentAgainWhenAReusedConnectionIsReset) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    if (connection.index == 0 && connection.requests == 2) return connection.Reset();
    connection.Send(kOk);
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(server_.requests().size(), 2U);
}

// The repeat cannot connect: the error looks like "never sent", although a copy arrived.
TEST_F(HttpProcessorClientTest, DroppedAfterSendingAndThenRefusedIsUnknown) {
  auto own = std::make_unique<ScriptedServer>(loop_);
  ProcessorOptions options = Options();
  options.url = own->url();
  Start(options);
  bool drop = false;
  own->on_request = [&](Connection& connection, std::string_view) {
    if (!drop) return connection.Send(kOk);
    connection.Close();
    loop_.Post([&] { own.reset(); });  // in this turn: no server listens any more
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  drop = true;
  EXPECT_STREQ(Name(PostOne(2).outcome), "unknown");
  EXPECT_EQ(own, nullptr);
}

TEST_F(HttpProcessorClientTest, ConnectionClosedWhileIdleIsNotUsed) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  server_.connections()[0]->Close();
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
  EXPECT_EQ(server_.requests().size(), 2U);
}

// curl 7.88.1 would read the stray answer as the answer to the second payment.
TEST_F(HttpProcessorClientTest, AnswerThatNobodyAskedForIsNotTakenForTheNext) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(connection.index == 0 ? std::string(kOk) : Empty("429 Too Many Requests"));
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  server_.connections()[0]->Send(kOk);
  RunUntil([&] { return !server_.connections()[0]->open(); });
  EXPECT_STREQ(Name(PostOne(2).outcome), "over_capacity");
}

// After this answer the connection must not be used, although the other side keeps it open.
class LastAnswer : public HttpProcessorClientTest,
                   public ::testing::WithParamInterface<std::pair<const char*, std::string>> {};

TEST_P(LastAnswer, EndsItsConnection) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(connection.index == 0 ? GetParam().second : std::string(kOk));
  };
  PostOne(1);
  RunUntil([&] { return !server_.connections()[0]->open(); });
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
}

INSTANTIATE_TEST_SUITE_P(
    Answers, LastAnswer,
    ::testing::Values(std::pair("WithMoreBehindIt", std::string(kOk) + "HTTP/1.1 429 x\r\n"),
                      std::pair("SaysClose",
                                "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                "Content-Length: 0\r\n\r\n"),
                      std::pair("OfAnOldVersion", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
                      std::pair("Unintelligible", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")),
    [](const auto& row) { return std::string(row.param.first); });

TEST_F(HttpProcessorClientTest, SlowBytesAreAnAnswer) {
  Start(Options());
  Connection* answering = nullptr;
  size_t sent = 0;
  server_.on_request = [&](Connection& connection, std::string_view) { answering = &connection; };
  loop_.AddTurnHook([&] {
    if (answering == nullptr || sent == kOk.size()) return;
    answering->Send(kOk.substr(sent++, 1));
    loop_.WakeUp();
  });
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
  EXPECT_EQ(sent, kOk.size());
}

TEST_F(HttpProcessorClientTest, A429TellsForHowLongItWantsToBeLeftAlone) {
  Start(Options());
  std::string header = "Retry-After: 3\r\n";
  server_.on_request = [&](Connection& connection, std::string_view) {
    connection.Send(Head("429 Too Many Requests") + header + "Content-Length: 0\r\n\r\n");
  };
  EXPECT_EQ(PostOne(1).retry_after_ms, 3'000);
  header = "Retry-After: 1000000\r\n";
  EXPECT_EQ(PostOne(2).retry_after_ms, kRetryAfterMsMax);
  header = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  EXPECT_EQ(PostOne(3).retry_after_ms, 0);
  header = "Retry-After: " + std::string(1'000, '9') + "\r\n";
  EXPECT_EQ(PostOne(4).retry_after_ms, kRetryAfterMsMax);
  header = "";
  EXPECT_EQ(PostOne(5).retry_after_ms, 0);
}

// ---- What is sent ----

TEST_F(HttpProcessorClientTest, RequestIsSmallAndAsDocumented) {
  ProcessorOptions options = Options();
  options.url += "/";
  options.headers = {"X-Test: yes"};
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  ASSERT_STREQ(Name(PostOne().outcome), "confirmed");
  const std::string& request = server_.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /payments HTTP/1.1\r\nHost: 127.0.0.1:")) << request;
  EXPECT_NE(request.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(request.find("X-Test: yes\r\n"), std::string::npos);
  const size_t body = request.find("\r\n\r\n") + 4;
  EXPECT_NE(request.find("Content-Length: " + std::to_string(request.size() - body) + "\r\n"),
            std::string::npos)
      << request;
  EXPECT_EQ(request.find("Expect"), std::string::npos);
  EXPECT_EQ(request.find("Accept"), std::string::npos);
  EXPECT_EQ(request.find("User-Agent"), std::string::npos);
  EXPECT_NE(request.find("\r\n\r\n{\"correlationId\":\"00000000-0000-0007-0000-000000000001\","
                         "\"amount\":19.90,\"requestedAt\":\"2025-07-15T"),
            std::string::npos)
      << request;
}

TEST_F(HttpProcessorClientTest, ProxyOfTheEnvironmentIsIgnored) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
}

TEST_F(HttpProcessorClientTest, OtherSchemesAreNotSent) {
  ProcessorOptions options = Options();
  options.url = "ftp" + server_.url().substr(4);
  Start(options);
  EXPECT_STREQ(Name(PostOne().outcome), "not_sent");
  EXPECT_EQ(server_.bytes(), 0U);
}

TEST_F(HttpProcessorClientTest, NameIsResolved) {
  ProcessorOptions options = Options();
  options.url = "http://localhost" + server_.url().substr(server_.url().rfind(':'));
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne().outcome), "confirmed");
}

}  // namespace
}  // namespace tollgate::upstream

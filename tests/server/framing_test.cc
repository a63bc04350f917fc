// From bytes to requests: split points, 100-continue, HEAD, HTTP/1.0, and unreadable requests.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

class ServerFramingTest : public ServerTest {
 protected:
  // A bad request between two good ones: two answers, the end, and the last request is never read.
  void ExpectRefused(const std::string& request, int status) {
    SCOPED_TRACE(request.substr(0, 80));
    seen.clear();
    Client client = Connect();
    ASSERT_TRUE(client.Send(Get("/now") + request + Get("/now?smuggled")));
    EXPECT_EQ(client.Read().status, 202);
    const Response refusal = client.Read();
    EXPECT_EQ(refusal.status, status);
    EXPECT_TRUE(refusal.Has("Content-Type: application/problem+json\r\n"));
    EXPECT_TRUE(refusal.Has("Connection: close\r\n"));
    EXPECT_NE(refusal.body.find("\"detail\":"), std::string::npos);
    EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
    EXPECT_EQ(client.text(), "");
    EXPECT_EQ(seen.size(), 1U);
    client.Close();
    Turn();
    EXPECT_EQ(server->connection_count(), 0U);
  }
};

TEST_F(ServerFramingTest, EverySplitPoint) {
  Start();
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\nT: t\r\n\r\n";
  const std::string text = Post("/echo", "hello") + chunked + Get("/now");
  Client client = Connect();
  for (size_t split = 1; split < text.size(); ++split) {
    ASSERT_TRUE(client.Send(text.substr(0, split)));
    Turn();
    ASSERT_TRUE(client.Send(text.substr(split)));
    ASSERT_EQ(client.Read().body, "hello") << split;
    ASSERT_EQ(client.Read().body, "wikipedia") << split;
    ASSERT_EQ(client.Read().status, 202) << split;
  }
  for (const char c : text) {
    ASSERT_TRUE(client.Send(std::string(1, c)));
    Turn();
  }
  EXPECT_EQ(client.Read().body, "hello");
  EXPECT_EQ(client.Read().body, "wikipedia");
  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(client.text(), "");
}

TEST_F(ServerFramingTest, ContinueIsSaidOnce) {
  Start();
  Client client = Connect();
  const std::string request = Post("/echo", "hello", "Expect: 100-continue\r\n");
  const size_t head = request.size() - 5;
  ASSERT_TRUE(client.Send(request.substr(0, head)));
  EXPECT_EQ(client.Peek(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.text().clear();
  ASSERT_TRUE(client.Send("he"));
  EXPECT_EQ(client.Peek(), "");
  ASSERT_TRUE(client.Send("llo"));
  EXPECT_EQ(client.Read().body, "hello");
  // A client that does not wait for 100-continue does not get it.
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(ServerFramingTest, ContinueComesBehindTheAnswersOwed) {
  Start();
  Client client = Connect();
  const std::string request = Post("/echo", "hello", "Expect: 100-continue\r\n");
  const size_t head = request.size() - 5;
  ASSERT_TRUE(client.Send(Get("/later") + request.substr(0, head)));
  EXPECT_EQ(client.Peek(), "");
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "first");
  EXPECT_EQ(client.Read().body, "first");
  EXPECT_EQ(client.Peek(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.text().clear();
  ASSERT_TRUE(client.Send("hello"));
  EXPECT_EQ(client.Read().body, "hello");
}

TEST_F(ServerFramingTest, HeadHasTheLengthAndNoBody) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send("HEAD /bytes?5 HTTP/1.1\r\nHost: h\r\n\r\n" + Get("/bytes?5")));
  EXPECT_TRUE(client.Read(true).Has("Content-Length: 5\r\n"));
  EXPECT_EQ(client.Read().body, "xxxxx");
  static const http::StaticResponse fixed(200, "text/plain", "fixed");
  other = [](const http::Request&, Responder responder) { responder.Send(fixed); };
  ASSERT_TRUE(client.Send("HEAD /fixed HTTP/1.1\r\nHost: h\r\n\r\n" + Get("/fixed")));
  EXPECT_TRUE(client.Read(true).Has("Content-Length: 5\r\n"));
  EXPECT_EQ(client.Read().body, "fixed");
}

TEST_F(ServerFramingTest, Http10) {
  Start();
  Client kept = Connect();
  ASSERT_TRUE(kept.Send("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_TRUE(kept.Read().Has("Connection: keep-alive\r\n"));
  ASSERT_TRUE(kept.Send("GET /now HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(kept.Read().Has("Connection: close\r\n"));
  EXPECT_EQ(kept.ReadToEnd(), Ending::kEnd);
}

TEST_F(ServerFramingTest, RefusedAndNothingBehindIsRead) {
  Start();
  const std::string start = "POST /echo HTTP/1.1\r\n";
  ExpectRefused("GET / HTTP/1.1\r\n\r\n", 400);
  ExpectRefused("GET /\r\nHost: h\r\n\r\n", 400);
  ExpectRefused(start + "Host: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400);
  ExpectRefused(
      start + "Host: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
  ExpectRefused(start + "Host: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400);
  ExpectRefused("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505);
  ExpectRefused(start + "Host: h\r\nContent-Length: 65537\r\n\r\n", 413);
  ExpectRefused(Get("/now", "X: " + std::string(17 * 1024, 'x') + "\r\n"), 431);
  std::string lines;
  for (int i = 0; i < 101; ++i) lines += "A: b\r\n";
  ExpectRefused(Get("/now", lines), 431);
  EXPECT_EQ(server->counters().bad_requests.value(), 9U);
}

TEST_F(ServerFramingTest, ARefusalWaitsForTheAnswersBeforeIt) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later") + "nonsense\r\n\r\n"));
  EXPECT_EQ(client.Peek(), "");
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "first");
  EXPECT_EQ(client.Read().body, "first");
  EXPECT_EQ(client.Read().status, 400);
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
}

// The bytes that a client still sends must not turn the refusal into a reset.
TEST_F(ServerFramingTest, ARefusalReachesAClientThatIsStillSending) {
  Start();
  Client client = ConnectTcp();
  ASSERT_TRUE(client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"));
  Turn();
  EXPECT_EQ(server->connection_count(), 1U) << "it lingers";
  ASSERT_TRUE(client.Send(std::string(20'000, 'x')));
  EXPECT_EQ(client.Read().status, 413);
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
  client.Close();
  Turn();
  EXPECT_EQ(server->connection_count(), 0U);
}

TEST_F(ServerFramingTest, LingeringEnds) {
  Start();
  Client silent = Connect();
  ASSERT_TRUE(silent.Send("nonsense\r\n\r\n"));
  EXPECT_EQ(silent.Read().status, 400);
  Advance(999);
  EXPECT_EQ(server->connection_count(), 1U);
  Advance(1);
  EXPECT_EQ(server->connection_count(), 0U);
  Client endless = Connect();
  ASSERT_TRUE(endless.Send("nonsense\r\n\r\n"));
  EXPECT_EQ(endless.Read().status, 400);
  EXPECT_FALSE(endless.Send(std::string(1'000'000, 'x')));
  EXPECT_EQ(server->connection_count(), 0U);
  EXPECT_EQ(server->counters().timeouts.value(), 0U);
}

TEST_F(ServerFramingTest, BodiesNearTheLimit) {
  Start();
  Client client = Connect();
  for (const size_t bytes : {size_t{0}, size_t{4032}, size_t{4033}, size_t{65535}, size_t{65536}}) {
    std::string body(bytes, 'b');
    if (!body.empty()) body.back() = 'e';
    ASSERT_TRUE(client.Send(Post("/echo", body)));
    EXPECT_TRUE(client.Read().body == body) << bytes;
    ASSERT_TRUE(client.Send(Post("/echo", body) + Get("/now")));
    EXPECT_TRUE(client.Read().body == body) << bytes;
    EXPECT_EQ(client.Read().status, 202);
  }
  ASSERT_TRUE(client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n"));
  EXPECT_EQ(client.Read().status, 413);
}

// kBodyPaddingBytes behind every body can be read; AddressSanitizer checks that.
TEST_F(ServerFramingTest, PaddingBehindTheBodyIsReadable) {
  unsigned sum = 0;
  other = [&sum](const http::Request& request, Responder responder) {
    const char* const end = request.body.data() + request.body.size();
    for (size_t i = 0; i < kBodyPaddingBytes; ++i) sum += static_cast<unsigned char>(end[i]);
    responder.Send(200, "text/plain", request.body);
  };
  Start();
  Client client = Connect();
  // Requests that fill the usual buffer and the larger ones to the last byte.
  const size_t usual = 4096 - kBodyPaddingBytes;
  for (const size_t capacity : {usual, 4 * usual, 16 * usual}) {
    const size_t head = Post("/pad", std::string(capacity - 100, 'b')).size() - (capacity - 100);
    for (size_t body = capacity - head - 1; body <= capacity - head + 1; ++body) {
      ASSERT_TRUE(client.Send(Post("/pad", std::string(body, 'b'))));
      ASSERT_EQ(client.Read().body.size(), body);
    }
  }
  EXPECT_GE(sum, 0U);
}

// The limit is on the content: a body of the largest size is accepted in any chunks.
TEST_F(ServerFramingTest, TheLargestBodyIsTakenInOneByteChunks) {
  Start();
  Client client = Connect();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body(options.parser.body_bytes_max, 'x');
  for (const std::string chunk : {"1\r\nx\r\n", "00000001\r\nx\r\n"}) {
    std::string chunks;
    for (size_t i = 0; i < body.size(); ++i) chunks += chunk;
    ASSERT_TRUE(client.Send(head + chunks + "0\r\nT: t\r\n\r\n" + Get("/now")));
    EXPECT_TRUE(client.Read().body == body);
    EXPECT_EQ(client.Read().status, 202);
  }
  std::string over;
  for (size_t i = 0; i <= body.size(); ++i) over += "1\r\nx\r\n";
  client.Send(head + over + "0\r\n\r\n");
  EXPECT_EQ(client.Read().status, 413);
}

// Framing has its own limit.
TEST_F(ServerFramingTest, FramingWithoutEndIsRefusedThoughTheBodyIsSmall) {
  Start();
  Client client = Connect();
  std::string extended;
  for (int i = 0; i < 100; ++i) extended += "1;" + std::string(200, 'e') + "\r\nx\r\n";
  client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + extended);
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(ServerFramingTest, TheLargestHeadBodyAndTrailerFitTogether) {
  Start();
  Client client = Connect();
  const std::string line = "POST /echo HTTP/1.1\r\n";
  const std::string fields = "Host: h\r\nTransfer-Encoding: chunked\r\nX: ";
  const size_t most = options.parser.header_bytes_max;
  const std::string head =
      line + fields + std::string(most - line.size() - fields.size() - 4, 'h') + "\r\n\r\n";
  const std::string body(options.parser.body_bytes_max, 'b');
  const std::string trailer = "T: " + std::string(most - 5, 't') + "\r\n";
  ASSERT_TRUE(client.Send(head + "10000;a=\"b\"\r\n" + body + "\r\n0\r\n" + trailer));
  ASSERT_TRUE(client.Send("\r\n" + Get("/now")));
  EXPECT_TRUE(client.Read().body == body);
  EXPECT_EQ(client.Read().status, 202);
}

}  // namespace
}  // namespace tollgate::server

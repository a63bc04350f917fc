// Answers leave in the order of their requests, in whatever order they are given.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

class PipeliningTest : public ServerTest {};

TEST_F(PipeliningTest, OneRequestOneAnswer) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/now")));
  const Response response = client.Read();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(client.State(), Ending::kOpen);
  EXPECT_EQ(server->counters().requests.value(), 1U);
  EXPECT_EQ(server->counters().connections.value(), 1U);
}

TEST_F(PipeliningTest, TcpToo) {
  Start();
  Client client = ConnectTcp();
  ASSERT_TRUE(client.Send(Post("/echo", "hello")));
  EXPECT_EQ(client.Read().body, "hello");
}

TEST_F(PipeliningTest, DeferredAndImmediateMixed) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later?1") + Post("/echo", "2") + Get("/later?3") + Get("/now") +
                          Get("/later?5")));
  EXPECT_EQ(client.Peek(), "");
  ASSERT_EQ(later.size(), 3U);
  later[2].Send(200, "text/plain", "5");
  later[1].Send(200, "text/plain", "3");
  EXPECT_EQ(client.Peek(), "");
  EXPECT_FALSE(server->idle());
  later[0].Send(200, "text/plain", "1");
  EXPECT_TRUE(server->idle());
  for (const char* body : {"1", "2", "3", "", "5"}) EXPECT_EQ(client.Read().body, body);
  ASSERT_TRUE(client.Send(Get("/now")));
  EXPECT_EQ(client.Read().status, 202);
}

TEST_F(PipeliningTest, EveryOrderOfFourDeferredAnswers) {
  Start();
  Client client = Connect();
  std::vector<size_t> order{0, 1, 2, 3};
  do {
    later.clear();
    ASSERT_TRUE(client.Send(Get("/later") + Get("/later") + Get("/later") + Get("/later")));
    Turn();
    ASSERT_EQ(later.size(), 4U);
    for (const size_t which : order) later[which].Send(200, "text/plain", std::to_string(which));
    for (size_t i = 0; i < 4; ++i) ASSERT_EQ(client.Read().body, std::to_string(i));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(PipeliningTest, StopsReadingAtPipelineMaxAndGoesOn) {
  options.pipeline_max = 3;
  Start();
  Client client = Connect();
  std::string all;
  for (int i = 0; i < 10; ++i) all += Get("/later?" + std::to_string(i));
  ASSERT_TRUE(client.Send(all));
  Turn();
  ASSERT_EQ(later.size(), 3U);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_GT(later.size(), i);
    later[i].Send(200, "text/plain", std::to_string(i));
    EXPECT_EQ(client.Read().body, std::to_string(i));
    EXPECT_LE(later.size(), i + 4);
  }
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_EQ(seen.back(), "/later?9");
}

// The handler may walk a list of deferred answers: Send must not call it with a new request.
TEST_F(PipeliningTest, NoRequestIsHandedOutFromInsideOfAnAnswer) {
  options.pipeline_max = 1;
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later?a") + Get("/later?b")));
  Turn();
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "a");
  EXPECT_EQ(later.size(), 1U);
  Turn();
  EXPECT_EQ(later.size(), 2U);
}

TEST_F(PipeliningTest, AFullPipelineReadsNoMore) {
  options.pipeline_max = 2;
  Start();
  Client client = Connect();
  const std::string request = Get("/later", "X-Filler: " + std::string(1000, 'f') + "\r\n");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += request;
  // The server reads one buffer, the kernel its own; the rest stays with the client.
  size_t sent = 0;
  for (int quiet = 0; quiet < 3;) {
    const ssize_t n =
        ::send(client.fd(), many.data() + sent, many.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    quiet = n > 0 ? 0 : quiet + 1;
    if (n > 0) sent += static_cast<size_t>(n);
    Turn();
  }
  EXPECT_LT(sent, many.size());
  EXPECT_EQ(later.size(), 2U);
}

// A client sends requests and never reads: its memory is bounded, and it is not read either.
TEST_F(PipeliningTest, AClientThatDoesNotReadIsNotReadEither) {
  Start();
  Client client = Connect();
  const std::string request = Get("/bytes?50000");
  int kernel_bytes = 0;
  socklen_t length = sizeof(kernel_bytes);
  ASSERT_EQ(::getsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &kernel_bytes, &length), 0);
  std::string many;
  for (int i = 0; i < 100; ++i) many += request;
  size_t sent = 0;
  for (int quiet = 0; quiet < 3;) {
    const ssize_t n = ::send(client.fd(), many.data() + sent % many.size(),
                             many.size() - sent % many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    quiet = n > 0 ? 0 : quiet + 1;
    if (n > 0) sent += static_cast<size_t>(n);
    Turn();
    // What the kernel takes, 64 KiB, and the answer that goes beyond.
    ASSERT_LT(seen.size() * 50'000, static_cast<size_t>(kernel_bytes) + 3 * 65'536);
  }
  EXPECT_LT(sent, static_cast<size_t>(kernel_bytes) + 3 * 4096);
  const size_t asked = sent / request.size();
  ASSERT_GT(asked, seen.size());
  // All of them are answered once the client reads.
  for (size_t i = 0; i < asked; ++i) ASSERT_EQ(client.Read().body.size(), 50'000U) << i;
}

TEST_F(PipeliningTest, ConnectionCloseEndsAfterTheAnswersBefore) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later?1") + Get("/now", "Connection: close\r\n") + Get("/now")));
  Turn();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(seen.size(), 2U) << "nothing is read behind Connection: close";
  later[0].Send(200, "text/plain", "1");
  EXPECT_FALSE(client.Read().Has("Connection: close"));
  EXPECT_TRUE(client.Read().Has("Connection: close"));
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
  EXPECT_EQ(client.text(), "");
}

}  // namespace
}  // namespace tollgate::server

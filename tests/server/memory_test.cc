// How much memory clients can make a server use: half requests, answers that are not read.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

constexpr size_t kPooledBytesMax = 64 * 4096;  // free buffers

class ServerMemoryTest : public ServerTest {
 protected:
  void ExpectRefused(Client& client) {
    const Response response = client.Read();
    EXPECT_EQ(response.status, 503);
    EXPECT_TRUE(response.Has("Retry-After: "));
    EXPECT_TRUE(response.Has("Connection: close\r\n"));
    EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
  }
  void ExpectServed() {
    Client client = Connect();
    ASSERT_TRUE(client.Send(Post("/echo", R"({"amount":19.90})")));
    EXPECT_EQ(client.Read().status, 200);
  }
};

constexpr std::string_view kChunkedHead =
    "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(ServerMemoryTest, ManyHalfBodiesStayWithinTheGroupsMemoryAndAreAnswered) {
  options.memory_bytes_max = 1024 * 1024;
  Start();
  const std::string half = std::string(kChunkedHead) + "ea60\r\n" + std::string(50'000, 'x');
  std::vector<Client> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(Connect());
    // A client that is refused meanwhile does not send the rest.
    clients.back().Send(half);
    Turn();
    ASSERT_LE(group->memory_used(), options.memory_bytes_max);
  }
  ExpectServed();
  size_t waiting = 0;
  for (Client& client : clients) {
    if (client.State() == Ending::kOpen && client.text().empty()) {
      ++waiting;
      ASSERT_TRUE(client.Send(std::string(10'000, 'x') + "\r\n0\r\n\r\n"));
      EXPECT_EQ(client.Read().body.size(), 60'000U);
    } else {
      ExpectRefused(client);
    }
  }
  EXPECT_GT(waiting, 5U);
  EXPECT_LT(waiting, 20U);
  EXPECT_EQ(server->counters().memory_full.value(), 300U - waiting);
  EXPECT_EQ(server->counters().bad_requests.value(), 0U);
  // After those are answered there is memory again, also for large bodies.
  Client large = Connect();
  ASSERT_TRUE(large.Send(Post("/echo", std::string(60'000, 'y'))));
  EXPECT_EQ(large.Read().body.size(), 60'000U);
  EXPECT_LE(group->memory_used(), kPooledBytesMax);
}

TEST_F(ServerMemoryTest, WithoutMemoryAWholeRequestIsAnsweredAndHalfAOneIsRefused) {
  options.memory_bytes_max = 0;
  Start();
  Client client = Connect();
  for (int i = 0; i < 3; ++i) {
    ExpectServed();
    ASSERT_TRUE(client.Send(Post("/echo", "hello") + Get("/now")));
    EXPECT_EQ(client.Read().body, "hello");
    EXPECT_EQ(client.Read().status, 202);
  }
  Client half = Connect();
  ASSERT_TRUE(half.Send("GET /now HT"));
  ExpectRefused(half);
  Client behind = Connect();
  ASSERT_TRUE(behind.Send(Get("/now") + "GET /now HT"));
  EXPECT_EQ(behind.Read().status, 202);
  ExpectRefused(behind);
  Client large = Connect();
  ASSERT_TRUE(large.Send(Post("/echo", std::string(5'000, 'x'))));
  ExpectRefused(large);
  EXPECT_EQ(server->counters().memory_full.value(), 3U);
  EXPECT_EQ(group->memory_used(), 0U);
  // The connected clients go on.
  ASSERT_TRUE(client.Send(Get("/now")));
  EXPECT_EQ(client.Read().status, 202);
}

TEST_F(ServerMemoryTest, WithoutMemoryARefusalFollowsAFullPipeline) {
  options.memory_bytes_max = 4000;  // for a few answers, and for no buffer
  options.pipeline_max = 2;
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later") + Get("/later") + Get("/later?never")));
  Turn();
  ASSERT_EQ(later.size(), 2U);
  ExpectServed();
  for (const Responder& responder : later) Responder(responder).Send(200, "text/plain", "x");
  EXPECT_EQ(client.Read().body, "x");
  EXPECT_EQ(client.Read().body, "x");
  ExpectRefused(client);
  EXPECT_EQ(seen.back(), "/echo");
}

TEST_F(ServerMemoryTest, BetweenRequestsNothingIsHeld) {
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(Connect());
    Client& client = clients.back();
    ASSERT_TRUE(client.Send(Post("/echo", std::string(60'000, 'x'))));
    ASSERT_EQ(client.Read().body.size(), 60'000U);
    std::string many;
    for (int n = 0; n < 60; ++n) many += Get("/now");
    ASSERT_TRUE(client.Send(many));
    for (int n = 0; n < 60; ++n) ASSERT_EQ(client.Read().status, 202);
    // Answers that wait for an earlier one, too.
    later.clear();
    ASSERT_TRUE(client.Send(Get("/later") + Get("/bytes?2000")));
    Turn();
    ASSERT_EQ(later.size(), 1U);
    later[0].Send(200, "text/plain", "first");
    ASSERT_EQ(client.Read().body, "first");
    ASSERT_EQ(client.Read().body.size(), 2'000U);
  }
  EXPECT_EQ(server->connection_count(), 200U);
  EXPECT_LE(group->memory_used(), 2 * 4096U);
}

TEST_F(ServerMemoryTest, AnswersThatAreNotReadStayWithinTheGroupsMemory) {
  options.memory_bytes_max = 512 * 1024;
  options.send_buffer_bytes = 6 * 1024;
  Start();
  std::string many;
  for (int i = 0; i < 20; ++i) many += Get("/bytes?20000");
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(Connect());
    ASSERT_EQ(::send(clients.back().fd(), many.data(), many.size(), 0),
              static_cast<ssize_t>(many.size()));
    Turn();
    ASSERT_LE(group->memory_used(), options.memory_bytes_max);
  }
  EXPECT_GT(server->counters().memory_full.value(), 80U);
  EXPECT_GT(server->connection_count(), 2U);
  ExpectServed();
  for (Client& client : clients) client.Close();
  Turn();
  EXPECT_EQ(server->connection_count(), 0U);
  EXPECT_LE(group->memory_used(), kPooledBytesMax);
}

TEST_F(ServerMemoryTest, AnswersThatWaitForOneBeforeThemCount) {
  options.memory_bytes_max = 64 * 1024;
  Start();
  Client client = Connect();
  std::string many = Get("/later");
  for (int i = 0; i < 8; ++i) many += Get("/bytes?20000");
  ASSERT_TRUE(client.Send(many));
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
  EXPECT_EQ(server->counters().memory_full.value(), 1U);
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "nobody");
  ExpectServed();
}

}  // namespace
}  // namespace tollgate::server

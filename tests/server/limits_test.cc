// Time limits, connections_max and a process without descriptors.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

class ServerLimitsTest : public ServerTest {
 protected:
  ServerLimitsTest() {
    options.header_timeout_ms = 100;
    options.body_timeout_ms = 200;
    options.idle_timeout_ms = 1'000;
    options.write_timeout_ms = 300;
  }
  void ExpectTimeout(Client& client) {
    const Response response = client.Read();
    EXPECT_EQ(response.status, 408);
    EXPECT_TRUE(response.Has("Connection: close\r\n"));
    EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
  }
};

TEST_F(ServerLimitsTest, AHeaderThatComesByteByByteIsCutOff) {
  Start();
  Client client = Connect();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.Send("G"));
    ASSERT_EQ(client.State(), Ending::kOpen) << i;
    Advance(10);
  }
  ExpectTimeout(client);
  EXPECT_EQ(server->counters().timeouts.value(), 1U);
  EXPECT_TRUE(seen.empty());
}

TEST_F(ServerLimitsTest, ABodyThatComesByteByByteIsCutOff) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.Send("x"));
    ASSERT_EQ(client.State(), Ending::kOpen) << i;
    Advance(10);
  }
  ExpectTimeout(client);
}

TEST_F(ServerLimitsTest, AnIdleConnectionIsClosedWithoutAWord) {
  Start();
  Client fresh = Connect();
  Client used = Connect();
  Advance(500);
  ASSERT_TRUE(used.Send(Get("/now")));
  EXPECT_EQ(used.Read().status, 202);
  Advance(499);
  EXPECT_EQ(fresh.State(), Ending::kOpen);
  Advance(1);
  EXPECT_EQ(fresh.State(), Ending::kEnd);
  EXPECT_EQ(fresh.text(), "");
  Advance(499);
  EXPECT_EQ(used.State(), Ending::kOpen);
  Advance(1);
  EXPECT_EQ(used.State(), Ending::kEnd);
  EXPECT_EQ(used.text(), "");
}

// Each request has its own time, also if every read ends inside the next request.
TEST_F(ServerLimitsTest, ASteadyPipelineIsNotASlowHeader) {
  Start();
  Client client = Connect();
  const std::string request = Get("/now");
  const std::string half = request.substr(0, 10);
  const std::string rest = request.substr(10);
  ASSERT_TRUE(client.Send(half));
  for (int i = 0; i < 20; ++i) {
    Advance(60);
    ASSERT_TRUE(client.Send(rest + half));
    ASSERT_EQ(client.Read().status, 202) << i;
  }
}

TEST_F(ServerLimitsTest, AnAnswerThatWeOweHasNoLimitHere) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later")));
  Advance(100'000);
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "late");
  EXPECT_EQ(client.Read().body, "late");
}

TEST_F(ServerLimitsTest, AClientThatDoesNotReadItsAnswerIsCutOff) {
  Start();
  Client client = Connect();
  const std::string request = Get("/bytes?8000000");
  ASSERT_EQ(::send(client.fd(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  Turn();
  EXPECT_FALSE(server->idle());
  Advance(299);
  EXPECT_EQ(server->connection_count(), 1U);
  Advance(1);
  EXPECT_EQ(server->connection_count(), 0U);
  EXPECT_EQ(server->counters().timeouts.value(), 1U);
}

TEST_F(ServerLimitsTest, AClientThatReadsGetsALargeAnswerWhole) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/bytes?8000000") + Get("/now")));
  EXPECT_EQ(client.Read().body.size(), 8'000'000U);
  EXPECT_EQ(client.Read().status, 202);
  Advance(300);
  EXPECT_EQ(client.State(), Ending::kOpen);
}

TEST_F(ServerLimitsTest, ConnectionsMaxWaitsOutsideAndComesInAtOnceWhenOneLeaves) {
  options.connections_max = 2;
  Start();
  Client first = Connect();
  Client second = Connect();
  Turn();
  Client third = Connect();
  ASSERT_TRUE(third.Send(Get("/now")));
  EXPECT_EQ(third.Peek(), "");
  EXPECT_EQ(server->connection_count(), 2U);
  EXPECT_EQ(server->counters().accept_pauses.value(), 1U);
  first.Close();
  EXPECT_EQ(third.Read().status, 202);
  EXPECT_EQ(server->connection_count(), 2U);
}

// With connections_max open, the connection that has been idle for longest is closed.
class EvictionTest : public ServerTest {
 protected:
  EvictionTest() { options.connections_max = 3; }
  // Three that have been served, the first one longest ago.
  std::vector<Client> Three() {
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(Connect());
      EXPECT_TRUE(clients.back().Send(Get("/now")));
      EXPECT_EQ(clients.back().Read().status, 202);
      Advance(1);
    }
    return clients;
  }
  uint64_t evicted() const { return server->counters().evicted.value(); }
};

TEST_F(EvictionTest, TheLongestIdleGoesFirst) {
  Start();
  std::vector<Client> clients = Three();
  ASSERT_TRUE(clients[0].Send(Get("/now")));
  ASSERT_EQ(clients[0].Read().status, 202);
  Advance(kEvictAfterMs);
  Client next = Connect();
  ASSERT_TRUE(next.Send(Get("/now")));
  EXPECT_EQ(next.Read().status, 202);
  EXPECT_EQ(clients[1].State(), Ending::kEnd);
  EXPECT_EQ(clients[0].State(), Ending::kOpen);
  EXPECT_EQ(clients[2].State(), Ending::kOpen);
  EXPECT_EQ(server->connection_count(), 3U);
  EXPECT_EQ(evicted(), 1U);
  EXPECT_EQ(server->counters().accept_pauses.value(), 0U);
}

TEST_F(EvictionTest, NobodyGoesForAClientThatIsNotThere) {
  Start();
  const std::vector<Client> clients = Three();
  Advance(10 * kEvictAfterMs);
  EXPECT_EQ(evicted(), 0U);
  // One comes: one goes.
  Client next = Connect();
  Turn();
  EXPECT_EQ(evicted(), 1U);
}

TEST_F(EvictionTest, WhoIsIdleForAMomentStaysAndTheNextWaits) {
  Start();
  const std::vector<Client> clients = Three();
  Advance(kEvictIdleAfterMs - 10);
  Client next = Connect();
  ASSERT_TRUE(next.Send(Get("/now")));
  EXPECT_EQ(next.Peek(), "");
  EXPECT_EQ(evicted(), 0U);
  EXPECT_EQ(server->counters().accept_pauses.value(), 1U);
  Advance(100);  // the server checks again
  EXPECT_EQ(next.Read().status, 202);
  EXPECT_EQ(evicted(), 1U);
}

TEST_F(EvictionTest, ARequestThatTheLoopHasNotSeenIsAnswered) {
  options.connections_max = 1;
  Start();
  Client first = Connect();
  Advance(kEvictAfterMs);
  // The listener's event comes first.
  Client next = Connect();
  const std::string request = Get("/now");
  ASSERT_EQ(::send(first.fd(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  EXPECT_EQ(first.Read().status, 202);
  EXPECT_EQ(first.State(), Ending::kOpen);
  EXPECT_EQ(evicted(), 0U);
}

TEST_F(EvictionTest, WithNobodyIdleTheOldestHalfRequestIsTold503) {
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().Send(i == 2 ? "GET /now"
                                           : "POST /echo HTTP/1.1\r\nHost: h\r\n"
                                             "Content-Length: 5\r\n\r\nab"));
    Advance(1);
  }
  Advance(kEvictAfterMs);
  for (const size_t oldest : {size_t{2}, size_t{0}, size_t{1}}) {
    Client next = Connect();
    ASSERT_TRUE(next.Send(Get("/later")));
    Turn();
    const Response response = clients[oldest].Read();
    EXPECT_EQ(response.status, 503);
    EXPECT_TRUE(response.Has("Retry-After: "));
    EXPECT_TRUE(response.Has("Connection: close\r\n"));
    EXPECT_EQ(clients[oldest].ReadToEnd(), Ending::kEnd);
    clients[oldest] = std::move(next);
  }
  EXPECT_EQ(later.size(), 3U);
  EXPECT_EQ(evicted(), 3U);
}

TEST_F(EvictionTest, WhomWeLetWaitIsNeverEnded) {
  options.connections_max = 1;
  Start();
  Client first = Connect();
  ASSERT_TRUE(first.Send(Get("/later")));
  Advance(100'000);
  Client next = Connect();
  ASSERT_TRUE(next.Send(Get("/now")));
  for (int i = 0; i < 10; ++i) Advance(100);
  EXPECT_EQ(next.Peek(), "");
  EXPECT_EQ(evicted(), 0U);
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "late");
  EXPECT_EQ(first.Read().body, "late");
  for (int i = 0; i < 4; ++i) Advance(100);
  EXPECT_EQ(next.Read().status, 202);
  EXPECT_EQ(first.State(), Ending::kEnd);
}

// For any numbers: every client is served, and never more than three are connected.
TEST_F(EvictionTest, ManyIdleClientsNeverKeepTheNextOneOut) {
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(Connect());
    ASSERT_TRUE(clients.back().Send(Get("/now")));
    Advance(kEvictAfterMs);
    ASSERT_EQ(clients.back().Read().status, 202) << i;
    ASSERT_LE(server->connection_count(), 3U);
  }
  EXPECT_EQ(evicted(), 97U);
}

// In a child: the limit is per process. The child's exit code names the step that failed.
TEST_F(ServerLimitsTest, OutOfDescriptorsItPausesAndNeverSpins) {
  Start();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Client first = Connect();
    // Also the first call of everything under UBSan, which needs descriptors for that.
    if (!first.Send(Get("/now")) || first.Read().status != 202) ::_exit(10);
    std::vector<Client> waiting;
    for (int i = 0; i < 3; ++i) waiting.push_back(Connect());
    const rlimit none{.rlim_cur = static_cast<rlim_t>(waiting.back().fd()) + 1,
                      .rlim_max = static_cast<rlim_t>(waiting.back().fd()) + 1000};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(1);
    for (int i = 0; i < 100; ++i) Turn();
    if (server->counters().accept_pauses.value() != 1) ::_exit(2);
    // The first in the queue was answered and closed; the others still wait.
    if (waiting[0].State() != Ending::kEnd) ::_exit(3);
    const Response reported = waiting[0].Read();
    if (reported.status != 503 || !reported.Has("Retry-After: ")) ::_exit(11);
    if (waiting[1].State() != Ending::kOpen) ::_exit(4);
    // The connected clients are served meanwhile.
    if (!first.Send(Get("/now")) || first.Read().status != 202) ::_exit(5);
    Advance(99);
    if (server->counters().accept_pauses.value() != 1) ::_exit(6);
    Advance(1);
    if (server->counters().accept_pauses.value() != 2) ::_exit(7);
    waiting[0].Close();
    waiting[1].Close();
    Advance(100);
    if (!waiting[2].Send(Get("/now")) || waiting[2].Read().status != 202) ::_exit(8);
    ::_exit(::testing::Test::HasFailure() ? 9 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(ServerLimitsTest, OutOfDescriptorsTheIdleGiveThemBack) {
  Start();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Client first = Connect();
    if (!first.Send(Get("/now")) || first.Read().status != 202) ::_exit(10);
    Advance(kEvictAfterMs);
    Client next = Connect();
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next.fd()) + 1,
                      .rlim_max = static_cast<rlim_t>(next.fd()) + 1000};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(1);
    if (!next.Send(Get("/now")) || next.Read().status != 202) ::_exit(2);
    if (first.State() != Ending::kEnd) ::_exit(3);
    if (server->counters().evicted.value() != 1) ::_exit(4);
    ::_exit(::testing::Test::HasFailure() ? 9 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace tollgate::server

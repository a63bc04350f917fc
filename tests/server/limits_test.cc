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

// Each request has its own time, also when every read ends amid the next one.
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

// In a child: the limit is the process's own. The child's exit code names the step that failed.
TEST_F(ServerLimitsTest, OutOfDescriptorsItPausesAndNeverSpins) {
  Start();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Client first = Connect();
    // Also a first call of everything under UBSan, which needs descriptors of its own for it.
    if (!first.Send(Get("/now")) || first.Read().status != 202) ::_exit(10);
    std::vector<Client> waiting;
    for (int i = 0; i < 3; ++i) waiting.push_back(Connect());
    const rlimit none{.rlim_cur = static_cast<rlim_t>(waiting.back().fd()) + 1,
                      .rlim_max = static_cast<rlim_t>(waiting.back().fd()) + 1000};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) ::_exit(1);
    for (int i = 0; i < 100; ++i) Turn();
    if (server->counters().accept_pauses.value() != 1) ::_exit(2);
    // The first in line was told by a close; the others still wait.
    if (waiting[0].State() != Ending::kEnd) ::_exit(3);
    if (waiting[1].State() != Ending::kOpen) ::_exit(4);
    // Those inside are served meanwhile.
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

}  // namespace
}  // namespace tollgate::server

// How connections end: by the client, by the handler, by a drain.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

class ServerEndingTest : public ServerTest {};

TEST_F(ServerEndingTest, AnsweringAClientThatHasGoneIsHarmless) {
  Start();
  {
    Client client = Connect();
    ASSERT_TRUE(client.Send(Get("/later") + Get("/later")));
    Turn();
  }
  ASSERT_EQ(later.size(), 2U);
  Turn();
  EXPECT_EQ(server->connection_count(), 0U);
  EXPECT_FALSE(later[0].alive());
  // Another client takes the place, and must not get the answer.
  Client other_client = Connect();
  Turn();
  EXPECT_EQ(server->connection_count(), 1U);
  later[0].Send(200, "text/plain", "not for you");
  later[1].SendRawAndClose("not for you");
  later[1].Abort();
  EXPECT_EQ(other_client.Peek(), "");
  ASSERT_TRUE(other_client.Send(Get("/now")));
  EXPECT_EQ(other_client.Read().status, 202);
}

TEST_F(ServerEndingTest, ATcpClientThatHasGoneEndsWithItsAnswer) {
  Start();
  {
    Client client = ConnectTcp();
    ASSERT_TRUE(client.Send(Get("/later")));
    Turn();
  }
  Turn();
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "late");
  EXPECT_EQ(server->connection_count(), 0U);
  EXPECT_EQ(server->counters().closed.value(), 1U);
}

TEST_F(ServerEndingTest, AHalfClosedClientGetsWhatItIsOwed) {
  Start();
  for (const bool tcp : {false, true}) {
    later.clear();
    Client client = tcp ? ConnectTcp() : Connect();
    ASSERT_TRUE(client.Send(Get("/now") + Get("/later") + Get("/now") + "GET /ha"));
    client.HalfClose();
    EXPECT_EQ(client.Read().status, 202);
    Turn();
    ASSERT_EQ(later.size(), 1U);
    EXPECT_FALSE(later[0].alive());
    EXPECT_EQ(client.State(), Ending::kOpen);
    later[0].Send(200, "text/plain", "owed");
    EXPECT_EQ(client.Read().body, "owed");
    EXPECT_EQ(client.Read().status, 202);
    EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
    EXPECT_EQ(server->connection_count(), 0U);
  }
}

// A half-closed connection must not make the loop spin: only its failure is watched.
TEST_F(ServerEndingTest, AHalfClosedConnectionThatWaitsDoesNotSpin) {
  Start();
  Client client = ConnectTcp();
  ASSERT_TRUE(client.Send(Get("/later")));
  client.HalfClose();
  Turn();
  int turns = 0;
  loop.AddTurnHook([&turns] { ++turns; });
  loop.RunOnce(50);
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(turns, 1);
  EXPECT_EQ(server->connection_count(), 1U);
}

TEST_F(ServerEndingTest, AbortResets) {
  other = [](const http::Request&, Responder responder) { responder.Abort(); };
  Start();
  Client client = ConnectTcp();
  ASSERT_TRUE(client.Send(Get("/abort") + Get("/now")));
  EXPECT_EQ(client.ReadToEnd(), Ending::kReset);
  EXPECT_EQ(client.text(), "");
  EXPECT_EQ(seen.size(), 1U);
  Client deferred = ConnectTcp();
  ASSERT_TRUE(deferred.Send(Get("/later")));
  Turn();
  ASSERT_EQ(later.size(), 1U);
  later[0].Abort();
  EXPECT_FALSE(later[0].alive());
  EXPECT_EQ(deferred.ReadToEnd(), Ending::kReset);
}

// With a full pipeline the later requests are handed out in a later turn: Abort there too.
TEST_F(ServerEndingTest, AbortOfAResumedPipeline) {
  options.pipeline_max = 1;
  other = [](const http::Request&, Responder responder) { responder.Abort(); };
  Start();
  Client client = ConnectTcp();
  ASSERT_TRUE(client.Send(Get("/later") + Get("/abort") + Get("/now")));
  Turn();
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "one");
  Turn();
  EXPECT_NE(client.ReadToEnd(), Ending::kOpen);
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(server->connection_count(), 0U);
}

TEST_F(ServerEndingTest, RawBytesTakeThePlaceOfTheAnswer) {
  other = [](const http::Request&, Responder responder) { responder.SendRawAndClose("gibberish"); };
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later") + Get("/raw") + Get("/now")));
  EXPECT_EQ(client.Peek(), "");
  ASSERT_EQ(later.size(), 1U);
  later[0].Send(200, "text/plain", "first");
  EXPECT_EQ(client.Read().body, "first");
  EXPECT_NE(client.ReadToEnd(), Ending::kOpen);
  EXPECT_EQ(client.text(), "gibberish");
}

TEST_F(ServerEndingTest, AnswersBehindTheEndAreIgnored) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later?1") + Get("/later?2")));
  Turn();
  ASSERT_EQ(later.size(), 2U);
  // Too much for the socket: the connection still exists when the second answer comes.
  const std::string much(2'000'000, 'g');
  later[0].SendRawAndClose(much);
  EXPECT_TRUE(later[1].alive());
  later[1].Send(200, "text/plain", "two");
  EXPECT_NE(client.ReadToEnd(), Ending::kOpen);
  EXPECT_TRUE(client.text() == much) << client.text().size();
}

TEST_F(ServerEndingTest, DrainClosesTheIdleAndAnswersAllThatIsIn) {
  Start();
  Client idle = Connect();
  Client busy = Connect();
  ASSERT_TRUE(busy.Send(Get("/later") + Get("/later") + Get("/later")));
  Turn();
  ASSERT_EQ(later.size(), 3U);
  later[1].Send(200, "text/plain", "before");
  server->StartDrain();
  EXPECT_EQ(idle.ReadToEnd(), Ending::kEnd);
  EXPECT_FALSE(server->idle());
  later[0].Send(200, "text/plain", "one");
  const Response one = busy.Read();
  EXPECT_EQ(one.body, "one");
  EXPECT_FALSE(one.Has("Connection: close")) << "answers are still to come";
  EXPECT_EQ(busy.Read().body, "before");
  later[2].Send(200, "text/plain", "last");
  const Response last = busy.Read();
  EXPECT_EQ(last.body, "last");
  EXPECT_TRUE(last.Has("Connection: close"));
  EXPECT_EQ(busy.ReadToEnd(), Ending::kEnd);
  EXPECT_TRUE(server->idle());
}

TEST_F(ServerEndingTest, DrainEndsAConnectionWhoseLastAnswerWasGivenBeforeIt) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later") + Get("/later")));
  Turn();
  ASSERT_EQ(later.size(), 2U);
  later[1].Send(200, "text/plain", "two");
  server->StartDrain();
  later[0].Send(200, "text/plain", "one");
  EXPECT_EQ(client.Read().body, "one");
  EXPECT_EQ(client.Read().body, "two");
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
}

TEST_F(ServerEndingTest, DrainTakesTheRequestThatTheLoopHasNotSeenYet) {
  Start();
  Client client = Connect();
  Turn();
  const std::string request = Get("/now");
  ASSERT_EQ(::send(client.fd(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  server->StartDrain();
  const Response response = client.Read();
  EXPECT_EQ(response.status, 202);
  EXPECT_TRUE(response.Has("Connection: close"));
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
}

TEST_F(ServerEndingTest, DrainWaitsForTheRestOfARequestAndTakesNobodyNew) {
  Start();
  Client client = Connect();
  const std::string request = Post("/echo", "hello");
  ASSERT_TRUE(client.Send(request.substr(0, 40)));
  Turn();
  server->StartDrain();
  Client late = Connect();
  Turn();
  EXPECT_EQ(server->connection_count(), 1U);
  ASSERT_TRUE(client.Send(request.substr(40)));
  const Response response = client.Read();
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.Has("Connection: close"));
  EXPECT_EQ(client.ReadToEnd(), Ending::kEnd);
}

TEST_F(ServerEndingTest, TheServerMayGoBeforeItsClients) {
  Start();
  Client client = Connect();
  ASSERT_TRUE(client.Send(Get("/later")));
  Turn();
  server.reset();
  EXPECT_NE(client.ReadToEnd(), Ending::kOpen);
}

}  // namespace
}  // namespace tollgate::server

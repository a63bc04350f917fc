// Many payments at once: connections are kept and reused, no event comes twice, nothing is leaked.
#include <gtest/gtest.h>

#include <string>

#include "tests/upstream/client_fixture.h"

namespace tollgate::upstream {
namespace {

TEST_F(HttpProcessorClientTest, ConnectionIsReused) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  for (uint64_t i = 0; i < 50; ++i) EXPECT_STREQ(Name(PostOne(i).outcome), "confirmed");
  EXPECT_EQ(server_.connections().size(), 1U);
  EXPECT_EQ(client_->stats().connections_opened, 1U);
}

TEST_F(HttpProcessorClientTest, HundredsInFlightAtOnceOnConnectionsThatAreKept) {
  constexpr uint64_t kMany = 300;
  ProcessorOptions options = Options();
  options.in_flight_max = kMany;
  Start(options);
  size_t waiting = 0;
  size_t waiting_max = 0;
  server_.on_request = [&](Connection& connection, std::string_view) {
    waiting_max = std::max(waiting_max, ++waiting);
    if (waiting < kMany) return;  // none is answered before the last has come
    for (auto& each : server_.connections()) each->Send(kOk);
    waiting = 0;
    (void)connection;
  };
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < kMany; ++i) {
      ASSERT_TRUE(client_->Post(Request(round * kMany + i), round * kMany + i));
    }
    EXPECT_FALSE(client_->Post(Request(), 999'999));  // the pool is empty
    EXPECT_EQ(client_->in_flight(), kMany);
    RunUntil([&] { return posted_.size() == (round + 1) * kMany; });
  }
  EXPECT_EQ(waiting_max, kMany);
  EXPECT_EQ(server_.connections().size(), kMany);
  EXPECT_EQ(client_->in_flight(), 0U);
  for (const auto& [cookie, result] : posted_) {
    EXPECT_STREQ(Name(result.outcome), "confirmed") << cookie;
  }
}

TEST_F(HttpProcessorClientTest, QuickAnswersNeedFewConnections) {
  constexpr uint64_t kMany = 300;
  ProcessorOptions options = Options();
  options.in_flight_max = kMany;
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  for (uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(client_->Post(Request(i), i));
  RunUntil([&] { return posted_.size() == kMany; });
  EXPECT_EQ(server_.requests().size(), kMany);
  EXPECT_LT(server_.connections().size(), kMany / 2);
}

TEST_F(HttpProcessorClientTest, WhoWaitsForAConnectionIsToldWhenNobodyIsThere) {
  const base::UniqueFd bound_not_listening = ScriptedServer::NewSocket();
  ProcessorOptions options = Options();
  options.url =
      "http://127.0.0.1:" + std::to_string(ScriptedServer::PortOf(bound_not_listening.get()));
  Start(options);
  for (uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(client_->Post(Request(i), i));
  RunUntil([&] { return posted_.size() == 200; });
  for (const auto& [cookie, result] : posted_) {
    EXPECT_STREQ(Name(result.outcome), "not_sent") << cookie;
  }
  EXPECT_LT(client_->stats().connections_opened, 50U) << "each waited for a try of its own";
}

// More than the kernel takes in one write.
TEST_F(HttpProcessorClientTest, ALongRequestIsWrittenInParts) {
  ProcessorOptions options = Options();
  options.headers = {"X-Long: " + std::string(1'000'000, 'x')};
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  EXPECT_STREQ(Name(PostOne(1).outcome), "confirmed");
  EXPECT_STREQ(Name(PostOne(2).outcome), "confirmed");
  EXPECT_EQ(server_.requests().at(0).size(), server_.requests().at(1).size());
  EXPECT_EQ(server_.connections().size(), 1U);
}

TEST_F(HttpProcessorClientTest, ALongRequestThatIsAnsweredEarlyEndsItsConnection) {
  ProcessorOptions options = Options();
  options.headers = {"X-Long: " + std::string(8'000'000, 'x')};
  Start(options);
  size_t answered = 0;
  server_.on_bytes = [&](Connection& connection) {
    if (connection.index == answered) {
      ++answered;
      connection.Send(Empty("429 Too Many Requests"));
    }
    return true;  // nothing is read
  };
  EXPECT_STREQ(Name(PostOne(1).outcome), "over_capacity");
  EXPECT_STREQ(Name(PostOne(2).outcome), "over_capacity");
  EXPECT_EQ(server_.connections().size(), 2U);
}

TEST_F(HttpProcessorClientTest, HandleIsFreeAgainInsideTheEvent) {
  ProcessorOptions options = Options();
  options.in_flight_max = 1;
  Start(options);
  server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
  uint64_t next = 2;
  after_post_ = [&] {
    if (next <= 5) {
      EXPECT_TRUE(client_->Post(Request(next), next));
    }
    ++next;
  };
  ASSERT_TRUE(client_->Post(Request(1), 1));
  RunUntil([&] { return posted_.size() == 5; });
}

TEST_F(HttpProcessorClientTest, DestroyedWithTransfersInFlight) {
  Start(Options());
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(client_->Post(Request(i), i));
    ASSERT_EQ(client_->Lookup(Request(i).payment.id, 0, i), i < 4);
  }
  RunUntil([&] { return server_.requests().size() == 24; });
  client_.reset();
  RunUntil([&] {
    for (const auto& each : server_.connections()) {
      if (each->open()) return false;
    }
    return true;
  });
  EXPECT_TRUE(posted_.empty());
  EXPECT_TRUE(looked_up_.empty());
}

TEST_F(HttpProcessorClientTest, DestroyedBeforeAnythingRan) {
  Start(Options());
  ASSERT_TRUE(client_->Post(Request(), 1));
  client_.reset();
  loop_.RunOnce(0);
  EXPECT_EQ(server_.bytes(), 0U);
}

}  // namespace
}  // namespace tollgate::upstream

#include "tollgate/server/server_group.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/server_fixture.h"

namespace tollgate::server {
namespace {

TEST(MemoryOfAGroup, IsNeverMoreThanThereIs) {
  ServerGroup group(100);
  EXPECT_TRUE(group.TakeMemory(60));
  EXPECT_FALSE(group.TakeMemory(41));
  EXPECT_TRUE(group.TakeMemory(40));
  EXPECT_FALSE(group.TakeMemory(1));
  EXPECT_FALSE(group.TakeMemory(SIZE_MAX));
  group.GiveMemory(100);
  EXPECT_EQ(group.memory_used(), 0U);
}

TEST(ServersOfAGroup, AreAllAskedToAcceptByOneThatCannot) {
  struct Member final : public GroupMember {
    net::EventLoop& member_loop() override { return loop; }
    void TakeIn(base::UniqueFd fd) override { taken.push_back(std::move(fd)); }
    void AcceptOnce() override { ++asked; }
    base::ManualClock clock;
    net::EventLoop loop{clock};
    std::vector<base::UniqueFd> taken;
    int asked = 0;
  };
  ServerGroup group(0);
  std::array<Member, 3> members;
  for (Member& member : members) group.Join(member);
  group.AskOthersToAccept(1);
  for (Member& member : members) member.loop.RunOnce(0);
  EXPECT_EQ(members[0].asked, 1);
  EXPECT_EQ(members[1].asked, 0);
  EXPECT_EQ(members[2].asked, 1);
  // A connection that is handed over counts as in transit until it has arrived.
  group.HandOver(2, base::UniqueFd(::dup(0)));
  EXPECT_TRUE(group.handing_over());
  members[2].loop.RunOnce(0);
  EXPECT_FALSE(group.handing_over());
  EXPECT_EQ(members[2].taken.size(), 1U);
}

TEST(ServersOfAGroup, GetConnectionsByHowManyTheyHave) {
  struct Member final : public GroupMember {
    net::EventLoop& member_loop() override { return loop; }
    void TakeIn(base::UniqueFd /*fd*/) override {}
    void AcceptOnce() override {}
    base::ManualClock clock;
    net::EventLoop loop{clock};
  };
  ServerGroup group(0);
  std::array<Member, 2> members;
  for (Member& member : members) group.Join(member);
  // One server accepts all. It keeps its share, and a few of many more.
  for (int i = 0; i < 64; ++i) {
    group.Place(1, 100);
    ASSERT_LE(group.count(0), group.count(1));
    ASSERT_LE(group.count(1), group.count(0) + group.count(0) / 8 + 1);
  }
  // Without room it keeps none.
  const size_t own = group.count(1);
  EXPECT_EQ(group.Place(1, own), 0U);
  group.Leave(0);
  group.StopHandingOver();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(group.Place(1, 100), 1U);
}

// Four servers on one Unix socket. The first one accepts, because the others' loops run later.
class ServerGroupTest : public ServerTest {
 protected:
  void StartFour() {
    Start();
    for (auto& it : others_) {
      it.loop = std::make_unique<net::EventLoop>(clock);
      it.server = std::make_unique<HttpServer>(*it.loop, options, *this, *group);
      ASSERT_TRUE(it.server->Listen(unix_listener.get(), true).ok());
    }
  }
  ~ServerGroupTest() override {
    for (auto& it : others_) it.server.reset();
  }
  void TurnAll() {
    for (int i = 0; i < 4; ++i) {
      loop.RunOnce(0);
      for (auto& it : others_) it.loop->RunOnce(0);
    }
  }
  Client ConnectToAny() {
    Client client = Connect();
    return Client([this] { TurnAll(); }, base::UniqueFd(::dup(client.fd())));
  }
  std::vector<size_t> Counts() {
    std::vector<size_t> counts{server->connection_count()};
    for (auto& it : others_) counts.push_back(it.server->connection_count());
    return counts;
  }

  struct Other {
    std::unique_ptr<net::EventLoop> loop;
    std::unique_ptr<HttpServer> server;
  };
  std::array<Other, 3> others_;
};

TEST_F(ServerGroupTest, ABurstOfConnectionsIsSpread) {
  StartFour();
  std::vector<Client> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(ConnectToAny());
  TurnAll();
  for (const size_t count : Counts()) {
    EXPECT_GE(count, 12U);
    EXPECT_LE(count, 20U);
  }
  for (Client& client : clients) {
    ASSERT_TRUE(client.Send(Get("/now")));
    ASSERT_EQ(client.Read().status, 202);
  }
}

TEST_F(ServerGroupTest, OneByOneTheyAreSpreadAsWell) {
  StartFour();
  std::vector<Client> clients;
  for (size_t i = 1; i <= 16; ++i) {
    clients.push_back(ConnectToAny());
    TurnAll();
    for (const size_t count : Counts()) ASSERT_LE(count, (i + 3) / 4);
  }
  // A client that leaves makes room for the next.
  for (size_t i = 0; i < 16; ++i) {
    clients[i].Close();
    TurnAll();
    clients[i] = ConnectToAny();
    TurnAll();
    for (const size_t count : Counts()) ASSERT_EQ(count, 4U);
  }
}

// No client waits outside while any server has room, or an idle client.
TEST_F(ServerGroupTest, AllOfThemAreFullBeforeAnyoneGoes) {
  options.connections_max = 2;
  StartFour();
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(ConnectToAny());
  TurnAll();
  EXPECT_EQ(Counts(), std::vector<size_t>(4, 2));
  clock.AdvanceMillis(kEvictAfterMs);
  for (Client& client : clients) {
    Client next = ConnectToAny();
    ASSERT_TRUE(next.Send(Get("/now")));
    ASSERT_EQ(next.Read().status, 202);
    client = std::move(next);
  }
  EXPECT_EQ(Counts(), std::vector<size_t>(4, 2));
}

TEST_F(ServerGroupTest, ItIsEnoughThatOneOfThemHasSomebodyIdle) {
  options.connections_max = 1;
  StartFour();
  std::vector<Client> busy;
  for (int i = 0; i < 4; ++i) {
    busy.push_back(ConnectToAny());
    ASSERT_TRUE(busy.back().Send(Get("/later")));
    TurnAll();
  }
  ASSERT_EQ(later.size(), 4U);
  // One of them becomes idle; it is not on the server whose loop runs first.
  ASSERT_EQ(server->connection_count(), 1U);
  later[3].Send(200, "text/plain", "x");
  EXPECT_EQ(busy[3].Read().body, "x");
  clock.AdvanceMillis(kEvictAfterMs);
  Client next = ConnectToAny();
  ASSERT_TRUE(next.Send(Get("/now")));
  EXPECT_EQ(next.Read().status, 202);
  EXPECT_EQ(busy[3].State(), Ending::kEnd);
}

TEST_F(ServerGroupTest, OneThatIsHandedOverDuringADrainIsAnswered) {
  StartFour();
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(ConnectToAny());
    const std::string request = Get("/now");
    ASSERT_EQ(::send(clients.back().fd(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
  }
  loop.RunOnce(0);  // accepts all and hands three over
  EXPECT_FALSE(server->idle());
  for (auto& it : others_) {
    EXPECT_FALSE(it.server->idle());
    it.server->StartDrain();
  }
  server->StartDrain();
  TurnAll();
  for (Client& client : clients) {
    const Response response = client.Read();
    EXPECT_EQ(response.status, 202);
    EXPECT_TRUE(response.Has("Connection: close\r\n"));
  }
  for (auto& it : others_) EXPECT_TRUE(it.server->idle());
}

// With one thread each the kernel chooses which one accepts.
class Answerer final : public RequestHandler {
 public:
  void OnRequest(const http::Request&, Responder responder) override { responder.Send(response_); }

 private:
  const http::StaticResponse response_{202, "", ""};
};

TEST_F(ServerGroupTest, ThreadsOfTheirOwnSpreadABurstToo) {
  const base::SystemClock real;
  ServerGroup of_threads(1 << 20U);
  Answerer answerer;
  struct Member {
    Member(const base::Clock& clock, Answerer& answerer, ServerGroup& group)
        : loop(clock), server(loop, {}, answerer, group) {}
    net::EventLoop loop;
    HttpServer server;
    std::thread thread;
  };
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < 4; ++i) {
    members.push_back(std::make_unique<Member>(real, answerer, of_threads));
    ASSERT_TRUE(members.back()->server.Listen(unix_listener.get(), true).ok());
  }
  for (auto& it : members) it->thread = std::thread([&loop = it->loop] { loop.Run(); });
  std::vector<Client> clients;
  for (int i = 0; i < 64; ++i) {
    Client client = Connect();
    clients.emplace_back([] { std::this_thread::yield(); }, base::UniqueFd(::dup(client.fd())));
  }
  for (Client& client : clients) {
    EXPECT_TRUE(client.Send(Get("/now")));
    EXPECT_EQ(client.Read().status, 202);
  }
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_GE(of_threads.count(i), 8U);
    EXPECT_LE(of_threads.count(i), 24U);
  }
  for (auto& it : members) it->loop.Stop();
  for (auto& it : members) it->thread.join();
}

}  // namespace
}  // namespace tollgate::server

// What a request costs in a warm server: no allocation and two system calls. Counted by replacing
// operator new and the C library's calls in this test binary.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "tests/server/server_fixture.h"

namespace {

struct Costs {
  size_t allocations = 0;
  size_t sends = 0;
  size_t receives = 0;
  size_t epoll_changes = 0;
};
thread_local Costs costs;

void* Allocate(size_t bytes) {
  ++costs.allocations;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return Allocate(bytes); }
void* operator new[](size_t bytes) { return Allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

extern "C" ssize_t send(int fd, const void* data, size_t bytes, int flags) {
  ++costs.sends;
  return ::syscall(SYS_sendto, fd, data, bytes, flags, nullptr, 0);
}
extern "C" ssize_t recv(int fd, void* data, size_t bytes, int flags) {
  ++costs.receives;
  return ::syscall(SYS_recvfrom, fd, data, bytes, flags, nullptr, nullptr);
}
extern "C" int epoll_ctl(int epoll, int what, int fd, epoll_event* event) noexcept {
  ++costs.epoll_changes;
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, what, fd, event));
}

namespace tollgate::server {
namespace {

// The client of this test neither allocates nor uses the counted calls.
class ServerCostTest : public ServerTest {
 protected:
  void SetUp() override {
    other = [this](const http::Request& request, Responder responder) {
      if (request.path == "/defer") {
        deferred_ = responder;
      } else {
        responder.Send(fixed_);
      }
    };
    Start();
    seen.reserve(100'000);
  }
  // Sends `text`, lets the server act, calls `then`, and reads what comes.
  template <typename Then>
  Costs Exchange(const Client& client, const std::string& text, Then then) {
    const Costs before = costs;
    EXPECT_EQ(::write(client.fd(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    loop.RunOnce(0);
    then();
    loop.RunOnce(0);
    char buffer[16 * 1024];
    EXPECT_GT(::read(client.fd(), buffer, sizeof(buffer)), 0);
    return {.allocations = costs.allocations - before.allocations,
            .sends = costs.sends - before.sends,
            .receives = costs.receives - before.receives,
            .epoll_changes = costs.epoll_changes - before.epoll_changes};
  }
  Costs Exchange(const Client& client, const std::string& text) {
    return Exchange(client, text, [] {});
  }

  const http::StaticResponse fixed_{202, "", ""};
  Responder deferred_;
};

TEST_F(ServerCostTest, TheCountersCount) {
  const Costs before = costs;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(costs.allocations, before.allocations + 1);
  Client client = Connect();
  Turn();
  EXPECT_EQ(costs.epoll_changes, before.epoll_changes + 1);
  ASSERT_TRUE(client.Send(Get("/f")));
  EXPECT_EQ(client.Read().status, 202);
  EXPECT_GT(costs.sends, before.sends + 1);
  EXPECT_GT(costs.receives, before.receives + 1);
}

TEST_F(ServerCostTest, AStaticAnswerCostsTwoCallsAndNoAllocation) {
  const Client client = Connect();
  const std::string request = Post("/f", R"({"amount":19.90})");
  Turn();
  Exchange(client, request);
  for (int i = 0; i < 1000; ++i) {
    const Costs spent = Exchange(client, request);
    ASSERT_EQ(spent.allocations, 0U);
    ASSERT_EQ(spent.sends, 1U);
    ASSERT_EQ(spent.receives, 1U);
    ASSERT_EQ(spent.epoll_changes, 0U);
  }
}

TEST_F(ServerCostTest, ADeferredStaticAnswerCostsNoMore) {
  const Client client = Connect();
  const std::string request = Post("/defer", R"({"amount":19.90})");
  const auto answer = [this] { deferred_.Send(fixed_); };
  Turn();
  Exchange(client, request, answer);
  for (int i = 0; i < 1000; ++i) {
    const Costs spent = Exchange(client, request, answer);
    ASSERT_EQ(spent.allocations, 0U);
    ASSERT_EQ(spent.sends, 1U);
    ASSERT_EQ(spent.receives, 1U);
    ASSERT_EQ(spent.epoll_changes, 0U);
  }
}

TEST_F(ServerCostTest, ImmediateAnswersToOneReadLeaveInOneSend) {
  const Client client = Connect();
  std::string requests;
  for (int i = 0; i < 32; ++i) requests += Get("/f");
  Turn();
  Exchange(client, requests);
  const Costs spent = Exchange(client, requests);
  EXPECT_EQ(seen.size(), 64U);
  EXPECT_EQ(spent.allocations, 0U);
  EXPECT_EQ(spent.sends, 1U);
  EXPECT_EQ(spent.receives, 1U);
  EXPECT_EQ(spent.epoll_changes, 0U);
}

TEST_F(ServerCostTest, ManyConnectionsKeepItSo) {
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(Connect());
  Turn();
  const std::string request = Get("/f");
  for (const Client& client : clients) Exchange(client, request);
  for (int round = 0; round < 10; ++round) {
    clock.AdvanceMillis(1'000);
    for (const Client& client : clients) {
      ASSERT_EQ(Exchange(client, request).allocations, 0U);
    }
  }
}

// Connections come and go without allocating if as many were open before.
TEST_F(ServerCostTest, ANewConnectionTakesThePlaceOfAnOldOne) {
  const std::string request = Get("/f");
  for (int i = 0; i < 10; ++i) {
    Client client = Connect();
    const Costs before = costs;
    Turn();
    Exchange(client, request);
    ASSERT_TRUE(i == 0 || costs.allocations == before.allocations) << i;
    client.Close();
    Turn();
  }
  EXPECT_EQ(server->counters().closed.value(), 10U);
}

}  // namespace
}  // namespace tollgate::server

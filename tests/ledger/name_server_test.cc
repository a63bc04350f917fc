// Redis by name, with a slow name server. getaddrinfo is replaced: "slow.test" is 127.0.0.1, but
// the answer comes only when the test allows it.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "tests/ledger/redis_fixture.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/payments/processor_directory.h"

namespace {

struct NameServer {
  std::mutex mutex;
  std::condition_variable changed;
  bool answers = false;  // guarded by mutex
  int asked = 0;         // guarded by mutex
};
NameServer& TheNameServer() {
  static NameServer server;
  return server;
}

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** list) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host == nullptr || std::string(host) != "slow.test") return real(host, service, hints, list);
  NameServer& server = TheNameServer();
  {
    std::unique_lock lock(server.mutex);
    ++server.asked;
    // Limited, so that a caller that must not wait here fails the test and does not hang it.
    server.changed.wait_for(lock, std::chrono::seconds(20), [&] { return server.answers; });
  }
  return real("127.0.0.1", service, hints, list);
}

namespace tollgate::ledger {
namespace {

class NameServerTest : public testing::RedisFixture {
 protected:
  void SetUp() override {
    options_ = Options();
    options_.unix_path.clear();
    options_.host = "slow.test";
    options_.port = static_cast<uint16_t>(testing::FreePort());
    options_.connect_timeout_ms = 50;
    options_.summary_wait_ms = 0;  // one connection, so one look-up
    StartRedis({"--port", std::to_string(options_.port)});
    Answer(false);
  }
  ~NameServerTest() override { Answer(true); }
  static void Answer(bool answers) {
    const std::lock_guard lock(TheNameServer().mutex);
    TheNameServer().answers = answers;
    TheNameServer().asked = 0;
    TheNameServer().changed.notify_all();
  }
  static int Asked() {
    const std::lock_guard lock(TheNameServer().mutex);
    return TheNameServer().asked;
  }

  RedisOptions options_;
  payments::ProcessorDirectory directory_{{"default"}};
};

TEST_F(NameServerTest, TheLoopGoesOnWhileTheNameIsLookedUpOnce) {
  RedisBooks books(loop_, options_, directory_);
  books.Start();
  ASSERT_TRUE(Until([&] { return told_.find("still being looked up") != std::string::npos; }));
  EXPECT_FALSE(books.ready());
  bool answered = false;
  books.Find({1, 2}, [&](const auto& entry) {
    answered = true;
    EXPECT_FALSE(entry.has_value());
  });
  EXPECT_TRUE(answered) << "a question is not kept for a Redis that is away";
  // The resolving thread may start later.
  ASSERT_TRUE(Until([&] { return Asked() != 0; }));
  EXPECT_EQ(Asked(), 1);
  Answer(true);
  EXPECT_TRUE(Until([&] { return books.ready(); })) << told_;
}

TEST_F(NameServerTest, ALookUpMayOutliveItsConnection) {
  {
    RedisBooks books(loop_, options_, directory_);
    books.Start();
    ASSERT_TRUE(Until([&] { return Asked() == 1; }));
  }
  Answer(true);
  RedisBooks books(loop_, options_, directory_);
  books.Start();
  EXPECT_TRUE(Until([&] { return books.ready(); })) << told_;
}

TEST_F(NameServerTest, ANameWithoutAddressIsSaidAndTriedAgain) {
  options_.host = "no such name";
  RedisBooks books(loop_, options_, directory_);
  books.Start();
  EXPECT_TRUE(Until([&] { return told_.find("no such name") != std::string::npos; }));
  EXPECT_NE(told_.find("is away"), std::string::npos) << told_;
}

}  // namespace
}  // namespace tollgate::ledger

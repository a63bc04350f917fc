// Processors that move to another address. getaddrinfo is replaced: the test sets the addresses of
// "moved.test".
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/upstream/scripted_server.h"
#include "tollgate/base/clock.h"
#include "tollgate/upstream/http_get.h"
#include "tollgate/upstream/http_processor_client.h"

namespace {

struct NameServer {
  std::mutex mutex;
  std::vector<std::string> addresses;  // guarded by mutex
  int asked = 0;                       // guarded by mutex
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
  if (host == nullptr || std::string(host) != "moved.test") return real(host, service, hints, list);
  NameServer& server = TheNameServer();
  const std::lock_guard lock(server.mutex);
  ++server.asked;
  *list = nullptr;
  for (auto it = server.addresses.rbegin(); it != server.addresses.rend(); ++it) {
    addrinfo* one = nullptr;
    if (const int error = real(it->c_str(), service, hints, &one); error != 0) return error;
    addrinfo* last = one;
    while (last->ai_next != nullptr) last = last->ai_next;
    last->ai_next = *list;
    *list = one;
  }
  return *list == nullptr ? EAI_NONAME : 0;
}

namespace tollgate::upstream {
namespace {

using testing::ScriptedServer;
using Connection = ScriptedServer::Connection;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
constexpr const char* kHere = "127.0.0.1";     // the server listens here
constexpr const char* kNobody = "127.0.0.77";  // no server: connections are refused

class MovedTest : public ::testing::Test, public ProcessorEvents {
 protected:
  MovedTest() {
    server_.on_request = [](Connection& connection, std::string_view) { connection.Send(kOk); };
    options_.name = "default";
    options_.url = "http://moved.test" + server_.url().substr(server_.url().rfind(':'));
    options_.connect_timeout_ms = 20'000;
  }
  static void SetAddresses(std::vector<std::string> addresses) {
    const std::lock_guard lock(TheNameServer().mutex);
    TheNameServer().addresses = std::move(addresses);
    TheNameServer().asked = 0;
  }
  static int Asked() {
    const std::lock_guard lock(TheNameServer().mutex);
    return TheNameServer().asked;
  }
  void OnPosted(uint64_t /*cookie*/, const PostResult& result) override { result_ = result; }
  void OnLookedUp(uint64_t /*cookie*/, const LookupResult& /*result*/) override {}
  template <typename Predicate>
  void RunUntil(Predicate done) {
    const int64_t give_up_ns = clock_.MonotonicNanos() + 30 * base::kNanosPerSecond;
    while (!done()) {
      ASSERT_LT(clock_.MonotonicNanos(), give_up_ns);
      loop_.RunOnce(100);
    }
  }
  std::string Post() {
    if (client_ == nullptr) {
      client_ =
          std::make_unique<HttpProcessorClient>(loop_, HttpClientOptions{.processors = {options_}});
      client_->SetEvents(this);
    }
    result_.reset();
    ++number_;
    EXPECT_TRUE(client_->Post({.payment = {.id = {1, number_}, .amount_cents = 100},
                               .processor = 0,
                               .requested_at_ms = 1'752'583'000'123},
                              number_));
    RunUntil([&] { return result_.has_value(); });
    return Name(result_->outcome);
  }

  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  ScriptedServer server_{loop_};
  ProcessorOptions options_;
  std::unique_ptr<HttpProcessorClient> client_;
  std::optional<PostResult> result_;
  uint64_t number_ = 0;
};

TEST_F(MovedTest, ARefusedConnectionAsksTheNameAgain) {
  SetAddresses({kNobody});
  EXPECT_EQ(Post(), "not_sent");
  SetAddresses({kHere});
  EXPECT_EQ(Post(), "confirmed");
}

TEST_F(MovedTest, EachRefusedConnectionAsksAsTheNameMayBeLate) {
  SetAddresses({kNobody});
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(Post(), "not_sent");
    EXPECT_EQ(Asked(), i);
  }
  SetAddresses({kHere});
  ASSERT_EQ(Post(), "confirmed");
  server_.connections().back()->Close();
  RunUntil([&] { return client_->in_flight() == 0; });
  EXPECT_EQ(Post(), "confirmed");
  EXPECT_EQ(Asked(), 1) << "whoever answers is not asked for again";
}

// A listener that accepts no more connections: the kernel drops new ones.
class SilentHost {
 public:
  explicit SilentHost(const char* address, uint16_t port)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at = ScriptedServer::Loopback(port);
    TG_ASSERT(::inet_pton(AF_INET, address, &at.sin_addr) == 1);
    TG_ASSERT(::bind(listener_.get(), ScriptedServer::AsAddress(&at), sizeof at) == 0);
    TG_ASSERT(::listen(listener_.get(), 0) == 0);
    for (base::UniqueFd& fd : fill_) {
      fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      (void)::connect(fd.get(), ScriptedServer::AsAddress(&at), sizeof at);
    }
  }

 private:
  base::UniqueFd listener_;
  std::array<base::UniqueFd, 4> fill_;
};

TEST_F(MovedTest, AConnectionThatTimesOutAsksTheNameAgain) {
  const std::string port = options_.url.substr(options_.url.rfind(':') + 1);
  const SilentHost silent("127.0.0.78", static_cast<uint16_t>(std::stoi(port)));
  options_.connect_timeout_ms = 500;
  SetAddresses({"127.0.0.78"});
  EXPECT_EQ(Post(), "not_sent");
  SetAddresses({kHere});
  // A busy machine may sometimes take longer than that for a connection to itself.
  for (int tries = 1; Post() != "confirmed"; ++tries) ASSERT_LT(tries, 20);
}

// A host that is gone without closing its connections.
TEST_F(MovedTest, AnAnswerThatNeverComesAsksTheNameAgain) {
  options_.connect_timeout_ms = 1'000;
  options_.answer_timeout_ms = 100;
  SetAddresses({kHere});
  server_.on_request = [](Connection&, std::string_view) {};
  EXPECT_NE(Post(), "confirmed");
  EXPECT_EQ(Asked(), 1);
  EXPECT_NE(Post(), "confirmed");
  EXPECT_EQ(Asked(), 2);
}

TEST_F(MovedTest, OfSeveralAddressesOneThatAnswersIsFound) {
  SetAddresses({kNobody, kHere, "127.0.0.79"});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Post(), "confirmed");
    for (const auto& each : server_.connections()) each->Close();
    loop_.RunOnce(0);
  }
}

TEST_F(MovedTest, AHealthCallThatFailedAsksTheNameAgain) {
  std::optional<int> status;
  HttpGetter getter(loop_, {{.url = options_.url + "/health", .connect_timeout_ms = 20'000}},
                    [&](size_t, const GetAnswer& answer) { status = answer.status; });
  const auto get = [&] {
    status.reset();
    EXPECT_TRUE(getter.Get(0));
    RunUntil([&] { return status.has_value(); });
    return *status;
  };
  SetAddresses({kNobody});
  EXPECT_EQ(get(), 0);
  SetAddresses({kHere});
  EXPECT_EQ(get(), 200);
}

TEST_F(MovedTest, UrlsWithoutANameHaveNothingToForget) {
  for (const char* const url : {"http://[::1]:8080", "http://127.0.0.1", "no url", ""}) {
    options_.url = url;
    const HttpProcessorClient client(loop_, HttpClientOptions{.processors = {options_}});
    EXPECT_EQ(client.in_flight(), 0U);
  }
}

}  // namespace
}  // namespace tollgate::upstream

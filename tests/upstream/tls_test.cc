// The same client over real TLS: HAProxy terminates it in front of the scripted server.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/child_process.h"
#include "tests/upstream/scripted_server.h"
#include "tollgate/base/clock.h"
#include "tollgate/upstream/http_get.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::upstream {
namespace {

using testing::ScriptedServer;
using tollgate::testing::ChildProcess;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
constexpr int64_t kPatienceNs = 30 * base::kNanosPerSecond;

class TlsTest : public ::testing::Test, public ProcessorEvents {
 protected:
  void SetUp() override {
    ChildProcess make(
        {"/bin/sh", "-c",
         "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
         "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout '" +
             (folder_ / "key") + "' -out '" + ca_ + "' && cat '" + (folder_ / "key") + "' '" + ca_ +
             "' > '" + (folder_ / "both.pem") + "'"},
        folder_ / "openssl.log");
    ASSERT_EQ(make.WaitExit(30'000), 0) << make.Log();
    const std::string backend = server_.url().substr(sizeof("http://") - 1);
    std::ofstream(folder_ / "tls.cfg")
        << "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
        << "listen tls\n bind 127.0.0.1:" << port_ << " ssl crt " << (folder_ / "both.pem")
        << "\n server scripted " << backend << "\n";
    haproxy_ = ChildProcess({"haproxy", "-db", "-f", folder_ / "tls.cfg"}, folder_ / "haproxy.log");
    server_.on_request = [](ScriptedServer::Connection& connection, std::string_view) {
      connection.Send(kOk);
    };
  }
  ProcessorOptions Options() const {
    ProcessorOptions options;
    options.url = "https://localhost:" + std::to_string(port_);
    options.ca_file = ca_;
    options.connect_timeout_ms = 20'000;  // a handshake is all CPU, and a machine may be busy
    return options;
  }
  void OnPosted(uint64_t cookie, const PostResult& result) override { posted_[cookie] = result; }
  void OnLookedUp(uint64_t cookie, const LookupResult&) override { FAIL() << cookie; }
  template <typename Predicate>
  void RunUntil(Predicate done) {
    const int64_t give_up_ns = clock_.MonotonicNanos() + kPatienceNs;
    while (!done()) {
      ASSERT_LT(clock_.MonotonicNanos(), give_up_ns) << haproxy_.Log();
      loop_.RunOnce(100);
    }
  }
  static PostRequest Request(uint64_t number) {
    return {.payment = {.id = {.high = 7, .low = number}, .amount_cents = 1990},
            .processor = 0,
            .requested_at_ms = 1'752'583'000'123};
  }
  const char* PostOne(HttpProcessorClient& client, uint64_t number) {
    posted_.erase(number);
    EXPECT_TRUE(client.Post(Request(number), number));
    RunUntil([&] { return posted_.count(number) != 0; });
    return Name(posted_[number].outcome);
  }
  // HAProxy may take a moment to listen: until then nothing is sent.
  void WaitUntilUp(HttpProcessorClient& client) {
    while (std::string_view(PostOne(client, 1)) == "not_sent") ASSERT_TRUE(haproxy_.running());
  }

  const tollgate::testing::TemporaryFolder folder_;
  const std::string ca_ = folder_ / "ca.pem";
  const int port_ = tollgate::testing::FreePort();
  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  ScriptedServer server_{loop_};
  ChildProcess haproxy_;
  std::map<uint64_t, PostResult> posted_;
};

TEST_F(TlsTest, PaymentsTravelOnKeptConnections) {
  HttpProcessorClient client(loop_, {.processors = {Options()}});
  client.SetEvents(this);
  ASSERT_NO_FATAL_FAILURE(WaitUntilUp(client));
  const uint64_t before = client.stats().connections_opened;
  for (uint64_t i = 2; i < 30; ++i) EXPECT_STREQ(PostOne(client, i), "confirmed");
  EXPECT_EQ(client.stats().connections_opened, before);
  for (uint64_t i = 100; i < 150; ++i) ASSERT_TRUE(client.Post(Request(i), i));
  RunUntil([&] { return posted_.count(149) != 0 && client.in_flight() == 0; });
  for (const auto& [number, result] : posted_) EXPECT_STREQ(Name(result.outcome), "confirmed");
}

TEST_F(TlsTest, AConnectionThatDiesIsNotUsedAgain) {
  HttpProcessorClient client(loop_, {.processors = {Options()}});
  client.SetEvents(this);
  ASSERT_NO_FATAL_FAILURE(WaitUntilUp(client));
  haproxy_.Kill();
  EXPECT_STREQ(PostOne(client, 2), "not_sent");
}

TEST_F(TlsTest, WhoCannotProveItsNameGetsNothing) {
  HttpProcessorClient good(loop_, {.processors = {Options()}});
  good.SetEvents(this);
  ASSERT_NO_FATAL_FAILURE(WaitUntilUp(good));
  const size_t bytes = server_.bytes();
  ProcessorOptions strange = Options();
  strange.ca_file.clear();  // the system's certificates do not know it
  HttpProcessorClient client(loop_, {.processors = {strange}});
  client.SetEvents(this);
  EXPECT_STREQ(PostOne(client, 5), "not_sent");
  EXPECT_EQ(server_.bytes(), bytes);
}

TEST_F(TlsTest, HealthIsAskedUnderTlsToo) {
  HttpProcessorClient client(loop_, {.processors = {Options()}});
  client.SetEvents(this);
  ASSERT_NO_FATAL_FAILURE(WaitUntilUp(client));
  int status = 0;
  HttpGetter getter(loop_, {{.url = Options().url + "/x", .headers = {}, .ca_file = ca_}},
                    [&](size_t, const GetAnswer& answer) { status = answer.status; });
  ASSERT_TRUE(getter.Get(0));
  RunUntil([&] { return status != 0; });
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace tollgate::upstream

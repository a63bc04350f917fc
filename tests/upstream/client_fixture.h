// ClientFixture: an HttpProcessorClient on an event loop that the test runs, against a server that
// the test scripts.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/upstream/scripted_server.h"
#include "tollgate/base/clock.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::upstream {

using testing::ScriptedServer;
using Connection = ScriptedServer::Connection;

inline constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
    "{\"message\":\"payment processed successfully\"}";
inline constexpr int64_t kPatienceNs = 30 * base::kNanosPerSecond;

// The beginning of an answer.
inline std::string Head(std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\n";
}
inline std::string Empty(std::string_view status) {
  return Head(status) + "Content-Length: 0\r\n\r\n";
}
inline std::string With(std::string_view status, std::string_view body) {
  return Head(status) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

class HttpProcessorClientTest : public ::testing::Test, public ProcessorEvents {
 protected:
  ProcessorOptions Options() const {
    ProcessorOptions options;
    options.name = "default";
    options.url = server_.url();
    return options;
  }
  void Start(const ProcessorOptions& options, size_t lookups_max = 4) {
    client_ = std::make_unique<HttpProcessorClient>(
        loop_, HttpClientOptions{.processors = {options}, .lookups_max = lookups_max});
    client_->SetEvents(this);
  }
  static PostRequest Request(uint64_t number = 1) {
    return {.payment = {.id = {.high = 7, .low = number}, .amount_cents = 1990},
            .processor = 0,
            .requested_at_ms = 1'752'583'000'123};
  }
  void OnPosted(uint64_t cookie, const PostResult& result) override {
    EXPECT_EQ(posted_.count(cookie), 0U) << "told twice";
    posted_[cookie] = result;
    if (after_post_) after_post_();
  }
  void OnLookedUp(uint64_t cookie, const LookupResult& result) override {
    EXPECT_EQ(looked_up_.count(cookie), 0U) << "told twice";
    looked_up_[cookie] = result;
  }
  template <typename Predicate>
  void RunUntil(Predicate done) {
    const int64_t give_up_ns = clock_.MonotonicNanos() + kPatienceNs;
    while (!done()) {
      ASSERT_LT(clock_.MonotonicNanos(), give_up_ns);
      loop_.RunOnce(100);
    }
  }
  PostResult PostOne(uint64_t cookie = 1) {
    EXPECT_TRUE(client_->Post(Request(cookie), cookie));
    EXPECT_EQ(posted_.count(cookie), 0U) << "told from inside the call";
    RunUntil([&] { return posted_.count(cookie) != 0; });
    return posted_[cookie];
  }
  LookupResult LookupOne(uint64_t cookie = 1) {
    EXPECT_TRUE(client_->Lookup(Request().payment.id, 0, cookie));
    RunUntil([&] { return looked_up_.count(cookie) != 0; });
    return looked_up_[cookie];
  }

  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  ScriptedServer server_{loop_};
  std::map<uint64_t, PostResult> posted_;
  std::map<uint64_t, LookupResult> looked_up_;
  std::function<void()> after_post_;
  std::unique_ptr<HttpProcessorClient> client_;
};

}  // namespace tollgate::upstream

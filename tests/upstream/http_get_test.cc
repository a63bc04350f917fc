#include "tollgate/upstream/http_get.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/upstream/scripted_server.h"
#include "tollgate/base/clock.h"

namespace tollgate::upstream {
namespace {

using testing::ScriptedServer;

struct Got {
  size_t target = 0;
  int status = 0;
  bool complete = false;
  std::string body;
  std::string error;
};

class HttpGetterTest : public ::testing::Test {
 protected:
  void Start(int64_t answer_timeout_ms) {
    const GetTarget target = {.url = server_.url() + "/payments/service-health",
                              .connect_timeout_ms = 20,
                              .answer_timeout_ms = answer_timeout_ms,
                              .headers = {}};
    getter_ = std::make_unique<HttpGetter>(loop_, std::vector<GetTarget>{target, target},
                                           [this](size_t index, const GetAnswer& answer) {
                                             got_.push_back({.target = index,
                                                             .status = answer.status,
                                                             .complete = answer.complete,
                                                             .body = std::string(answer.body),
                                                             .error = answer.error});
                                           });
  }
  void RunUntilGot(size_t count) {
    const int64_t give_up_ns = clock_.MonotonicNanos() + 30 * base::kNanosPerSecond;
    while (got_.size() < count) {
      ASSERT_LT(clock_.MonotonicNanos(), give_up_ns);
      loop_.RunOnce(100);
    }
  }

  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  ScriptedServer server_{loop_};
  std::vector<Got> got_;
  std::unique_ptr<HttpGetter> getter_;
};

TEST_F(HttpGetterTest, GivesStatusAndBodyAndReusesTheConnection) {
  Start(20'000);
  server_.on_request = [](ScriptedServer::Connection& connection, std::string_view) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  };
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(getter_->Get(1));
    EXPECT_FALSE(getter_->Get(1));  // one at a time
    RunUntilGot(i + 1);
    EXPECT_EQ(got_[i].target, 1U);
    EXPECT_EQ(got_[i].status, 200);
    EXPECT_TRUE(got_[i].complete);
    EXPECT_EQ(got_[i].body, "{}");
  }
  EXPECT_EQ(server_.connections().size(), 1U);
  EXPECT_TRUE(server_.requests()[0].starts_with("GET /payments/service-health HTTP/1.1\r\n"));
}

TEST_F(HttpGetterTest, TimeoutIsIncomplete) {
  Start(30);
  ASSERT_TRUE(getter_->Get(0));
  RunUntilGot(1);
  EXPECT_FALSE(got_[0].complete);
  EXPECT_EQ(got_[0].status, 0);
  EXPECT_FALSE(got_[0].error.empty());
  ASSERT_TRUE(getter_->Get(0));  // free again
  getter_.reset();               // in flight
}

TEST_F(HttpGetterTest, TooLargeIsIncomplete) {
  Start(20'000);
  server_.on_request = [](ScriptedServer::Connection& connection, std::string_view) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
  };
  ASSERT_TRUE(getter_->Get(0));
  RunUntilGot(1);
  EXPECT_FALSE(got_[0].complete);
  EXPECT_EQ(got_[0].status, 200);
}

}  // namespace
}  // namespace tollgate::upstream

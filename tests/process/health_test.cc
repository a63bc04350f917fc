// `tollgate health`, as a container's health check runs it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::testing {
namespace {

// A listener that gives one answer to each connection, in this order; empty: it closes the
// connection.
class HealthTest : public ::testing::Test {
 protected:
  HealthTest() {
    std::string pattern = "/tmp/tollgate-health.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, Socket().c_str(), sizeof(address.sun_path) - 1);
    listener_ = base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 10};
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    // The socket interface is C.
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0 ||
        ::listen(listener_.get(), 8) != 0) {
      ADD_FAILURE() << "cannot listen on " << Socket();
    }
  }
  ~HealthTest() override { std::filesystem::remove_all(folder_); }

  std::string Socket() const { return folder_ + "/socket"; }
  std::string Log() const { return folder_ + "/log"; }
  int Ask(const std::vector<std::string_view>& answers) {
    ChildProcess health({TOLLGATE_BINARY, "health", "--server-socket", Socket()}, Log());
    for (const std::string_view answer : answers) {
      const base::UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
      char request[256];
      if (!client.valid()) {
        ADD_FAILURE() << "it does not ask again";
        break;
      }
      if (::recv(client.get(), request, sizeof(request), 0) <= 0) ADD_FAILURE() << "no request";
      if (answer.empty()) continue;
      EXPECT_GT(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL), 0);
    }
    const int status = health.WaitExit(10'000);
    log_ = health.Log();
    return status;
  }

  std::string folder_;
  base::UniqueFd listener_;
  std::string log_;
};

constexpr std::string_view kReady = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kNotReady =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

TEST_F(HealthTest, ReadyIsReady) {
  EXPECT_EQ(Ask({kReady}), 0);
  EXPECT_NE(log_.find("ready"), std::string::npos) << log_;
}

// A crowd of idle clients may evict its connection: that says nothing about the gateway.
TEST_F(HealthTest, AConnectionThatIsLetGoIsMadeAgain) { EXPECT_EQ(Ask({"", "", kReady}), 0); }

TEST_F(HealthTest, NotReadyIsSaidAtOnce) {
  EXPECT_EQ(Ask({kNotReady}), 1);
  EXPECT_NE(log_.find("not ready: 503"), std::string::npos) << log_;
}

TEST_F(HealthTest, NoAnswerIsSaidAfterTwoSeconds) {
  const auto began = std::chrono::steady_clock::now();
  ChildProcess health({TOLLGATE_BINARY, "health", "--server-socket", Socket()}, Log());
  EXPECT_EQ(health.WaitExit(20'000), 1);
  EXPECT_NE(health.Log().find("no answer on"), std::string::npos) << health.Log();
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1'900));
}

TEST_F(HealthTest, NobodyThereIsSaidAtOnce) {
  std::filesystem::remove(Socket());
  EXPECT_EQ(Ask({}), 1);
  EXPECT_NE(log_.find("no server answers on"), std::string::npos) << log_;
}

}  // namespace
}  // namespace tollgate::testing

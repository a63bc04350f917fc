// The generator against the test's own server, which answers when the test wants.
#include "bench/load/generator.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tollgate/base/clock.h"

namespace tollgate::bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

// Serves one connection; `before_answer` is called with the number of each request.
class Server {
 public:
  explicit Server(std::function<void(int)> before_answer)
      : path_("/tmp/tollgate-generator-test." + std::to_string(::getpid())),
        listener_(std::move(net::ListenUnix(path_).value())),
        thread_([this, before_answer = std::move(before_answer)] { Run(before_answer); }) {}
  ~Server() {
    thread_.join();
    ::unlink(path_.c_str());
  }
  Generator Connect() {
    return {std::move(Connections::Open({.unix_path = path_}, 1).value()),
            PaymentRequest("/payments", "19.90", 1)};
  }
  int served() const { return served_.load(); }

 private:
  static bool Readable(int fd) {
    pollfd waited{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waited, 1, 30'000) == 1;
  }
  void Run(const std::function<void(int)>& before_answer) {
    if (!Readable(listener_.get())) return;
    const base::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char buffer[4096];
    while (Readable(fd.get()) && ::read(fd.get(), buffer, sizeof(buffer)) > 0) {
      before_answer(served_++);
      if (::write(fd.get(), kAnswer.data(), kAnswer.size()) < 0) return;
    }
  }

  const std::string path_;
  base::UniqueFd listener_;
  std::atomic<int> served_{0};
  std::thread thread_;
};

void Wait(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

TEST(Generator, ClosedLoopSendsWhatItIsTold) {
  Server server([](int) {});
  Generator generator = server.Connect();
  const auto result = generator.Run({.requests_max = 1'000});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().answers.at(202), 1'000U);
  EXPECT_EQ(result.value().latency.count(), 1'000);
  EXPECT_EQ(server.served(), 1'000);
}

// A server that stalls once delays all requests that were due meanwhile, not only one.
TEST(Generator, OpenLoopChargesAStallToAllThatWereDue) {
  constexpr int64_t kStallMs = 400;
  Server server([](int number) {
    if (number == 10) Wait(kStallMs);
  });
  Generator generator = server.Connect();
  const auto result = generator.Run({.requests_max = 200, .rate_per_second = 250});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().latency.count(), 200);
  EXPECT_GE(result.value().latency.max(), kStallMs * base::kNanosPerMilli);
  // Half of the 100 requests that were due in the stall waited for half of it or longer.
  EXPECT_GE(result.value().latency.Quantile(1 - 45.0 / 200), kStallMs / 2 * base::kNanosPerMilli);
}

TEST(Generator, OpenLoopKeepsItsRate) {
  Server server([](int) {});
  Generator generator = server.Connect();
  const auto result = generator.Run({.requests_max = 100, .rate_per_second = 200});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GE(result.value().elapsed_ns, 99 * base::kNanosPerSecond / 200);
}

TEST(Generator, ClosedLoopSeesTheSameStallOnce) {
  constexpr int64_t kStallMs = 200;
  Server server([](int number) {
    if (number == 10) Wait(kStallMs);
  });
  Generator generator = server.Connect();
  const auto result = generator.Run({.requests_max = 2'000});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GE(result.value().latency.max(), kStallMs * base::kNanosPerMilli);
  EXPECT_LT(result.value().latency.Quantile(0.5), kStallMs * base::kNanosPerMilli);
}

}  // namespace
}  // namespace tollgate::bench

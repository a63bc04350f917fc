// RedisFixture: a real redis-server on its own Unix socket, and a loop to use it.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::testing {

class RedisFixture : public ::testing::Test {
 protected:
  void SetUp() override { StartRedis(); }

  void StartRedis(const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{"redis-server", "--port", "0", "--unixsocket", Socket(), "--dir",
                                  folder_.path(), "--save", "",  "--loglevel",   "warning"};
    argv.insert(argv.end(), more.begin(), more.end());
    redis_ = ChildProcess(argv, folder_ / "redis.log");
  }
  std::string Socket() const { return folder_ / "redis.sock"; }
  ledger::RedisOptions Options() {
    ledger::RedisOptions options;
    options.unix_path = Socket();
    options.report = [this](bool, std::string_view text) { told_ += std::string(text) + "\n"; };
    return options;
  }
  // Runs the loop until `done`, for at most `ms`.
  bool Until(const std::function<bool()>& done, int64_t ms = 20'000) {
    const int64_t end = clock_.MonotonicNanos() + ms * base::kNanosPerMilli;
    while (!done()) {
      if (clock_.MonotonicNanos() > end) return false;
      loop_.RunOnce(10);
    }
    return true;
  }

  TemporaryFolder folder_;
  ChildProcess redis_;
  base::SystemClock clock_;
  net::EventLoop loop_{clock_};
  std::string told_;
};

}  // namespace tollgate::testing

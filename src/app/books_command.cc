// The command `tollgate books accept-loss`.
#include <cstdio>
#include <optional>
#include <string>

#include "tollgate/app/commands.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::app {

int AcceptLoss(const config::Config& config) {
  const base::SystemClock clock;
  net::EventLoop loop(clock);
  std::string problem = "Redis does not answer; see REDIS_SOCKET or REDIS_URL";
  ledger::RedisOptions redis = config.redis;
  redis.report = [&](bool is_problem, std::string_view text) {
    if (is_problem) problem = text;
  };
  payments::ProcessorDirectory directory({});
  ledger::RedisBooks books(loop, redis, directory);
  books.Start();
  const int64_t patience_ns = 5 * base::kNanosPerSecond;
  const int64_t end_ns = clock.MonotonicNanos() + patience_ns;
  bool asked = false;
  bool done = false;
  std::optional<int64_t> since_s;
  while (!done && clock.MonotonicNanos() < end_ns) {
    loop.RunOnce(20);
    if (asked || !books.ready()) continue;
    asked = true;
    books.AcceptLoss([&](std::optional<int64_t> answer) {
      since_s = answer;
      done = true;
    });
  }
  if (!since_s) {
    std::fprintf(
        stderr, "tollgate: %s: %s\n",
        asked ? "no answer came, so run it again, which does no harm twice" : "nothing was changed",
        problem.c_str());
    return 1;
  }
  if (*since_s == 0) {
    std::printf("no loss of the books is known, so there was nothing to accept\n");
    return 0;
  }
  std::printf("accepted: the books are used as they are; they were held back since %s\n",
              payments::TimestampToString(*since_s * 1000).c_str());
  return 0;
}

}  // namespace tollgate::app

// The commands `tollgate books …`.
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <optional>
#include <string>

#include "tollgate/app/commands.h"
#include "tollgate/base/logging.h"
#include "tollgate/ledger/books_place.h"
#include "tollgate/ledger/file_backup.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::app {

int AcceptLoss(const config::Config& config) {
  const base::SystemClock clock;
  net::EventLoop loop(clock);
  const bool in_file = config.books == ledger::PlaceKind::kFile;
  std::mutex problem_mutex;
  std::string problem = in_file ? "the books in " + config.file.path + " do not answer"
                                : "Redis does not answer; see REDIS_SOCKET or REDIS_URL";
  const auto report = [&](bool is_problem, std::string_view text) {
    const std::lock_guard lock(problem_mutex);
    if (is_problem) problem = text;
  };
  ledger::RedisOptions redis = config.redis;
  redis.report = report;
  ledger::FileOptions file = config.file;
  file.report = report;
  payments::ProcessorDirectory directory({});
  const auto place = ledger::MakePlace(config.books, redis, file, ledger::Reporting::kAll);
  const auto books = place->MakeBooks(loop, directory, nullptr, {.timeout_ms = 5'000});
  books->Start();
  const int64_t patience_ns = 5 * base::kNanosPerSecond;
  const int64_t end_ns = clock.MonotonicNanos() + patience_ns;
  bool asked = false;
  bool done = false;
  std::optional<int64_t> since_s;
  while (!done && clock.MonotonicNanos() < end_ns) {
    loop.RunOnce(20);
    if (asked || !books->ready()) continue;
    asked = true;
    books->AcceptLoss([&](std::optional<int64_t> answer) {
      since_s = answer;
      done = true;
    });
  }
  const std::lock_guard lock(problem_mutex);
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

int BackUpBooks(const config::Config& config, const std::string& target) {
  if (config.books != ledger::PlaceKind::kFile) {
    base::PrintError(
        "the books are in Redis: back them up with its own means, a snapshot or its append-only "
        "file");
    return 1;
  }
  const bool visible = ::isatty(STDERR_FILENO) != 0;
  const auto facts = ledger::BackUp(config.file.path, target, [&](double share) {
    if (visible) std::fprintf(stderr, "\rbooks backup: %.1f %%\x1b[K", share * 100);
  });
  if (visible) std::fputs("\r\x1b[K", stderr);
  if (!facts.ok()) {
    base::PrintError(facts.error().message);
    return 1;
  }
  std::printf("%s: %lld payments in summaries and %lld pending ones in %llu bytes; checked\n",
              target.c_str(), static_cast<long long>(facts.value().counted),
              static_cast<long long>(facts.value().pending),
              static_cast<unsigned long long>(facts.value().bytes));
  return 0;
}

}  // namespace tollgate::app

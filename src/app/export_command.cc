// The command `tollgate export`.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "app/exporter.h"
#include "tollgate/app/commands.h"
#include "tollgate/base/logging.h"
#include "tollgate/config/processors.h"
#include "tollgate/ledger/books_place.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::app {
namespace {

constexpr int64_t kPatienceMs = 10'000;

std::string TemporaryFolder() {
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

// The last problem of the books, which may be told by another thread.
class LastProblem {
 public:
  void Set(bool problem, std::string_view text) {
    const std::lock_guard lock(mutex_);
    text_ = problem ? text : "";
  }
  std::string Text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

// On stderr, as stdout has the payments.
void PrintCounts(const ExportCounts& counts, const config::ExportOptions& options) {
  std::fprintf(stderr, "exported: %llu booked, %s in summaries; %llu rejected\n",
               static_cast<unsigned long long>(counts.booked),
               payments::CentsToString(counts.booked_cents).c_str(),
               static_cast<unsigned long long>(counts.rejected));
  if (counts.not_counted != 0) {
    std::fprintf(stderr, "%llu of the booked ones are not counted in summaries\n",
                 static_cast<unsigned long long>(counts.not_counted));
  }
  if (counts.pending != 0) {
    std::fprintf(stderr, "%llu payments of this range are pending and may be booked later\n",
                 static_cast<unsigned long long>(counts.pending));
  }
  if (options.range.from_ms < counts.known_from_ms) {
    std::fprintf(stderr, "these books have no payments of before %s\n",
                 payments::TimestampToString(counts.known_from_ms).c_str());
  }
}

}  // namespace

int Export(const config::Config& config, const config::ExportOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const base::SystemClock clock;
  net::EventLoop loop(clock);
  LastProblem problem;
  const auto report = [&](bool is_problem, std::string_view text) {
    problem.Set(is_problem, text);
  };
  ledger::RedisOptions redis = config.redis;
  redis.while_away = "waiting for it";
  redis.report = report;
  ledger::FileOptions file = config.file;
  file.report = report;
  payments::ProcessorDirectory directory(config::ProcessorNames(config));
  const auto place = ledger::MakePlace(config.books, redis, file, ledger::Reporting::kAll);
  if (const std::string why = place->WhyUnreadable(); !why.empty()) {
    base::PrintError(why);
    return 1;
  }
  const auto claims = place->MakeClaimReader(loop, directory);
  claims->Start();
  std::vector<int64_t> fees_ppm;
  for (const auto& processor : config.processors) fees_ppm.push_back(processor.fee_ppm);
  ExportRows rows(TemporaryFolder());
  ExportLines lines(STDOUT_FILENO, options.format, directory, fees_ppm);
  Exporter exporter({.loop = loop, .claims = *claims, .rows = rows, .lines = lines}, options,
                    kPatienceMs);
  const base::Status status = exporter.Run();
  if (!status.ok()) {
    const std::string why = problem.Text();
    base::PrintError(status.error().message + (why.empty() ? "" : ": " + why));
    return 1;
  }
  if (::close(STDOUT_FILENO) != 0) {
    base::PrintError(base::ErrnoError("the end of the export cannot be written").message);
    return 1;
  }
  PrintCounts(exporter.counts(), options);
  if (exporter.counts().damaged == 0) return 0;
  base::PrintError(std::to_string(exporter.counts().damaged) +
                   " entries of the books are damaged and were left out");
  return 1;
}

}  // namespace tollgate::app

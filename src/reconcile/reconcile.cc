// Its parts on one loop, and what it tells at the end.
#include "tollgate/reconcile/reconcile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "reconcile/admin_totals.h"
#include "reconcile/progress.h"
#include "reconcile/reconciler.h"
#include "reconcile/report.h"
#include "reconcile/sum_check.h"
#include "tollgate/base/line_limit.h"
#include "tollgate/base/logging.h"
#include "tollgate/config/processors.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/ledger/redis_ledger.h"
#include "tollgate/ledger/silent_claims.h"
#include "tollgate/ledger/sum_nodes.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::reconcile {
namespace {

constexpr int64_t kPauseMs = 500;

// No handle for a POST: there is nothing that could charge.
upstream::HttpClientOptions ClientOptions(const config::Config& config,
                                          const config::ReconcileOptions& options) {
  upstream::HttpClientOptions client{.processors = config.processors,
                                     .lookups_max = options.in_flight_max};
  for (auto& processor : client.processors) processor.in_flight_max = 0;
  return client;
}

ReconcilerOptions RunOptions(const config::Config& config,
                             const config::ReconcileOptions& options) {
  return {.range = options.range,
          .min_age_ms = options.min_age_ms,
          .repair = options.repair,
          .named_only = options.named_only,
          .ids = options.ids,
          .asker = {.processors = config.processors.size(),
                    .in_flight_max = options.in_flight_max,
                    .patience_ms = options.patience_ms}};
}

class ReconcileRun {
 public:
  ReconcileRun(const config::Config& config, const config::ReconcileOptions& options)
      : config_(config),
        options_(options),
        loop_(clock_),
        progress_(clock_),
        directory_(config::ProcessorNames(config)),
        redis_(RedisOptions()),
        claims_(loop_, redis_, directory_),
        books_(loop_, redis_, directory_),
        silent_(loop_, redis_),
        sums_(loop_, redis_, directory_),
        client_(loop_, ClientOptions(config, options)) {
    if (options.repair) {
      ledger_ = std::make_unique<ledger::RedisLedger>(loop_, redis_, directory_, "");
    }
    reconciler_ = std::make_unique<Reconciler>(Reconciler::Parts{.loop = loop_,
                                                                 .claims = claims_,
                                                                 .books = books_,
                                                                 .ledger = ledger_.get(),
                                                                 .client = client_},
                                               RunOptions(config, options));
  }

  int Run() {
    // A wrong token is told before the long part, not after it.
    const int64_t now_ms = clock_.WallMillis();
    for (const auto& [name, total] : ReadAdminTotals({now_ms, now_ms})) {
      if (total.refused) return Fail(total.problem);
    }
    claims_.Start();
    books_.Start();
    silent_.Start();
    sums_.Start();
    if (ledger_) ledger_->Start();
    reconciler_->Start();
    while (!reconciler_->finished()) {
      loop_.RunOnce(100);
      if (progress_.Due()) progress_.Show(ProgressText());
    }
    if (!reconciler_->error().empty() && reconciler_->counts().compared == 0) {
      return Fail(reconciler_->error());
    }
    report_.range = reconciler_->range();
    report_.known_from_ms = reconciler_->known_from_ms();
    report_.repair = options_.repair;
    report_.named_only = options_.named_only;
    report_.counts = reconciler_->counts();
    report_.findings = reconciler_->findings();
    if (!reconciler_->error().empty()) report_.errors.push_back(reconciler_->error());
    ReportProcessors();
    CompareSums();
    CompareTotals();
    ReportSilent();
    return Tell();
  }

 private:
  ledger::RedisOptions RedisOptions() {
    ledger::RedisOptions redis = config_.redis;
    redis.while_away = "waiting for it";
    redis.tell = [this](bool problem, std::string_view text) {
      // Told once, not once per connection.
      if (problem) limit_.Tell(0, text);
    };
    return redis;
  }

  int Fail(const std::string& message) {
    progress_.Clear();
    base::PrintError(message);
    return 1;
  }

  std::string ProgressText() const {
    char share[16];
    std::snprintf(share, sizeof(share), "%.1f", reconciler_->share() * 100);
    std::string text = std::string("reconcile: ") + share + " % of the books read, " +
                       std::to_string(reconciler_->counts().compared) + " payments compared, " +
                       std::to_string(reconciler_->findings().size()) + " differ";
    if (options_.repair) text += ", " + std::to_string(reconciler_->repaired()) + " repaired";
    return text;
  }

  std::map<std::string, AdminTotal> ReadAdminTotals(const payments::SummaryRange& range) {
    std::optional<std::map<std::string, AdminTotal>> totals;
    AdminTotals reader(loop_, config_.processors, options_.admin_tokens, range,
                       [&](const auto& answer) { totals = answer; });
    reader.Read();
    while (!totals) loop_.RunOnce(100);
    return *totals;
  }

  std::optional<payments::Summary> ReadBooks(const payments::SummaryRange& range) {
    const int64_t end_ns = clock_.MonotonicNanos() + 10 * base::kNanosPerSecond;
    while (clock_.MonotonicNanos() < end_ns) {
      std::optional<std::optional<payments::Summary>> answer;
      books_.GetSummary(range, [&](auto summary) { answer = std::move(summary); });
      while (!answer) loop_.RunOnce(100);
      if (*answer) return std::move(*answer);
      loop_.RunOnce(100);
    }
    return std::nullopt;
  }

  void ReportProcessors() {
    for (size_t i = 0; i < config_.processors.size(); ++i) {
      const auto& processor = config_.processors[i];
      ProcessorReport it;
      it.name = processor.name;
      it.stats = reconciler_->asker().stats(static_cast<payments::ProcessorId>(i));
      it.has_token = options_.admin_tokens.contains(processor.name);
      it.found = reconciler_->gaps()[i];
      if (it.stats.away) {
        const std::string why = it.stats.last_failure == 0
                                    ? "no answer"
                                    : "status " + std::to_string(it.stats.last_failure);
        report_.errors.push_back(processor.name + " at " + processor.url + " was away (" + why +
                                 "), " + std::to_string(it.stats.not_answered) +
                                 " payments were not compared there; check that it runs and that "
                                 "its URL is right, then run this again");
      }
      report_.processors.push_back(std::move(it));
    }
  }

  void ReportSilent() {
    std::optional<std::optional<std::vector<ledger::SilentOwner>>> answer;
    silent_.Count(config_.takeover_after_ms / 1'000 + 1,
                  [&](auto silent) { answer = std::move(silent); });
    while (!answer) loop_.RunOnce(100);
    if (*answer) {
      report_.silent = std::move(**answer);
    } else {
      report_.errors.push_back(
          "the payments of silent gateways: Redis did not answer; run this again");
    }
  }

  // After the payments, as what was booked for them changes the sums.
  void CompareSums() {
    if (!reconciler_->error().empty()) return;
    SumCheck* running = nullptr;
    const auto show = [&] {
      if (!progress_.Due()) return;
      char share[16];
      std::snprintf(share, sizeof(share), "%.1f", running->share() * 100);
      progress_.Show(std::string("reconcile: ") + share + " % of the payments read for the sums");
    };
    SumCheck check({.loop = loop_, .claims = claims_, .nodes = sums_, .on_turn = show},
                   {.range = report_.range, .repair = options_.repair});
    running = &check;
    const std::string error = check.Run();
    if (!error.empty()) report_.errors.push_back(error);
    report_.sums = check.report();
  }

  // Payments that are still retried under their old requestedAt may be booked between two looks:
  // what is not explained is looked at a few times.
  void CompareTotals() {
    if (options_.admin_tokens.empty()) return;
    for (int i = 0; i < 4; ++i) {
      if (i > 0) Pause();
      const auto totals = ReadAdminTotals(report_.range);
      const auto books = ReadBooks(report_.range);
      bool explained = true;
      for (ProcessorReport& it : report_.processors) {
        if (it.has_token) explained = TakeTotals(it, totals.at(it.name), books) && explained;
      }
      if (explained) break;
    }
    for (const ProcessorReport& it : report_.processors) {
      if (!it.problem.empty()) report_.errors.push_back(it.problem);
    }
  }

  static bool TakeTotals(ProcessorReport& it, const AdminTotal& total,
                         const std::optional<payments::Summary>& books) {
    it.problem = total.problem;
    it.books.reset();
    it.processor.reset();
    if (total.summary) it.processor = Gap{total.summary->count, total.summary->amount_cents};
    if (!books) it.problem = "the books' summary: Redis did not answer";
    if (!books) return true;
    for (const auto& sum : *books) {
      if (sum.name == it.name) it.books = Gap{sum.count, sum.amount_cents};
    }
    const auto unexplained = Unexplained(it);
    return !unexplained || *unexplained == Gap{};
  }

  void Pause() {
    const int64_t end_ns = clock_.MonotonicNanos() + kPauseMs * base::kNanosPerMilli;
    while (clock_.MonotonicNanos() < end_ns) loop_.RunOnce(50);
  }

  int Tell() {
    progress_.Clear();
    if (!options_.json_file.empty()) {
      std::ofstream file(options_.json_file);
      file << ToJson(report_, directory_);
      file.close();
      if (!file) {
        report_.errors.push_back("--json-file: cannot write " + options_.json_file + ": " +
                                 std::strerror(errno));
      }
    }
    const std::string text =
        options_.json ? ToJson(report_, directory_) : ToTable(report_, directory_);
    std::fputs(text.c_str(), stdout);
    if (std::fflush(stdout) != 0) return Fail("stdout cannot be written to");
    for (const std::string& error : report_.errors) Fail(error);
    return ExitCode(report_);
  }

  const config::Config& config_;
  const config::ReconcileOptions& options_;
  const base::SystemClock clock_;
  net::EventLoop loop_;
  Progress progress_;
  base::LineLimit limit_{clock_, [this](int /*level*/, std::string_view line) {
                           progress_.Clear();
                           base::PrintError(line);
                         }};
  payments::ProcessorDirectory directory_;
  const ledger::RedisOptions redis_;
  ledger::RedisClaimReader claims_;
  ledger::RedisBooks books_;
  ledger::SilentClaims silent_;
  ledger::RedisSumNodes sums_;
  std::unique_ptr<ledger::RedisLedger> ledger_;
  upstream::HttpProcessorClient client_;
  std::unique_ptr<Reconciler> reconciler_;
  ReconcileReport report_;
};

}  // namespace

int Reconcile(const config::Config& config, const config::ReconcileOptions& options) {
  return ReconcileRun(config, options).Run();
}

}  // namespace tollgate::reconcile

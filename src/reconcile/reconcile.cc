// The `reconcile` command: all its parts on one loop, and its report.
#include "tollgate/reconcile/reconcile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "reconcile/progress.h"
#include "reconcile/reconciler.h"
#include "reconcile/report.h"
#include "reconcile/sum_check.h"
#include "reconcile/totals_check.h"
#include "tollgate/base/line_limit.h"
#include "tollgate/base/logging.h"
#include "tollgate/config/processors.h"
#include "tollgate/ledger/books_place.h"
#include "tollgate/upstream/http_processor_client.h"

namespace tollgate::reconcile {
namespace {

constexpr int64_t kQuestionMsMax = 5'000;

// No handle for a POST, so this client cannot charge.
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

std::string AboutAbsence(const upstream::ProcessorOptions& processor, const AskerStats& stats) {
  const std::string why =
      stats.last_failure == 0 ? "no answer" : "status " + std::to_string(stats.last_failure);
  return processor.name + " at " + processor.url + " was away (" + why + "), " +
         std::to_string(stats.not_answered) +
         " payments were not compared there; check that it runs and that its URL is right, then "
         "run this again";
}

// The whole command. It owns all parts of a run.
// Members: each part of the command is one.
class ReconcileRun {
 public:
  ReconcileRun(const config::Config& config, const config::ReconcileOptions& options);
  int Run();  // the exit code

 private:
  std::unique_ptr<ledger::BooksPlace> MakePlace();
  void Start();
  std::string ProgressText() const;
  void ReportPayments();
  void ReportProcessors();
  void ReportSilent();
  void CompareSums();
  void CompareTotals();
  int PrintReport();
  int Fail(const std::string& message);

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
  const std::unique_ptr<ledger::BooksPlace> place_;
  const std::unique_ptr<ledger::ClaimReader> claims_;
  const std::unique_ptr<ledger::Books> books_;
  const std::unique_ptr<ledger::SilentClaims> silent_;
  const std::unique_ptr<ledger::SumNodes> sums_;
  std::unique_ptr<ledger::TableLedger> ledger_;
  upstream::HttpProcessorClient client_;
  TotalsCheck totals_;
  std::unique_ptr<Reconciler> reconciler_;
  ReconcileReport report_;
};

ReconcileRun::ReconcileRun(const config::Config& config, const config::ReconcileOptions& options)
    : config_(config),
      options_(options),
      loop_(clock_),
      progress_(clock_),
      directory_(config::ProcessorNames(config)),
      place_(MakePlace()),
      claims_(place_->MakeClaimReader(loop_, directory_)),
      books_(place_->MakeBooks(loop_, directory_, nullptr, {.timeout_ms = kQuestionMsMax})),
      silent_(place_->MakeSilentClaims(loop_)),
      sums_(place_->MakeSumNodes(loop_, directory_)),
      client_(loop_, ClientOptions(config, options)),
      totals_({.loop = loop_, .clock = clock_, .books = *books_}, config.processors,
              options.admin_tokens) {
  if (options.repair) {
    ledger_ = place_->MakeLedger(loop_, directory_, "", nullptr);
  }
  reconciler_ = std::make_unique<Reconciler>(Reconciler::Parts{.loop = loop_,
                                                               .claims = *claims_,
                                                               .books = *books_,
                                                               .ledger = ledger_.get(),
                                                               .client = client_},
                                             RunOptions(config, options));
}

int ReconcileRun::Run() {
  // Report a wrong token before the long part.
  if (const auto problem = totals_.RefusedToken()) return Fail(*problem);
  if (const std::string why = place_->WhyUnreadable(); !why.empty()) return Fail(why);
  Start();
  while (!reconciler_->finished()) {
    loop_.RunOnce(100);
    if (progress_.Due()) progress_.Show(ProgressText());
  }
  if (!reconciler_->error().empty() && reconciler_->counts().compared == 0) {
    return Fail(reconciler_->error());
  }
  ReportPayments();
  ReportProcessors();
  CompareSums();
  CompareTotals();
  ReportSilent();
  return PrintReport();
}

std::unique_ptr<ledger::BooksPlace> ReconcileRun::MakePlace() {
  ledger::RedisOptions redis = config_.redis;
  redis.while_away = "waiting for it";
  redis.report = [this](bool problem, std::string_view text) {
    // Report it once, not once per connection.
    if (problem) limit_.Report(0, text);
  };
  ledger::FileOptions file = config_.file;
  file.report = [this](bool problem, std::string_view text) {
    // It comes on another thread.
    if (problem) loop_.Post([this, line = std::string(text)] { limit_.Report(0, line); });
  };
  return ledger::MakePlace(config_.books, redis, file, ledger::Reporting::kAll);
}

void ReconcileRun::Start() {
  claims_->Start();
  books_->Start();
  silent_->Start();
  sums_->Start();
  if (ledger_) ledger_->Start();
  reconciler_->Start();
}

std::string ReconcileRun::ProgressText() const {
  char share[16];
  std::snprintf(share, sizeof(share), "%.1f", reconciler_->share() * 100);
  std::string text = std::string("reconcile: ") + share + " % of the books read, " +
                     std::to_string(reconciler_->counts().compared) + " payments compared, " +
                     std::to_string(reconciler_->findings().size()) + " differ";
  if (options_.repair) text += ", " + std::to_string(reconciler_->repaired()) + " repaired";
  return text;
}

void ReconcileRun::ReportPayments() {
  report_.range = reconciler_->range();
  report_.known_from_ms = reconciler_->known_from_ms();
  report_.repair = options_.repair;
  report_.named_only = options_.named_only;
  report_.counts = reconciler_->counts();
  report_.findings = reconciler_->findings();
  if (!reconciler_->error().empty()) report_.errors.push_back(reconciler_->error());
}

void ReconcileRun::ReportProcessors() {
  for (size_t i = 0; i < config_.processors.size(); ++i) {
    const auto& processor = config_.processors[i];
    ProcessorReport report;
    report.name = processor.name;
    report.stats = reconciler_->asker().stats(static_cast<payments::ProcessorId>(i));
    report.has_token = options_.admin_tokens.contains(processor.name);
    report.found = reconciler_->gaps()[i];
    if (report.stats.away) report_.errors.push_back(AboutAbsence(processor, report.stats));
    report_.processors.push_back(std::move(report));
  }
}

void ReconcileRun::ReportSilent() {
  std::optional<std::optional<std::vector<ledger::SilentOwner>>> answer;
  silent_->Count(config_.takeover_after_ms / 1'000 + 1,
                 [&](auto silent) { answer = std::move(silent); });
  while (!answer) loop_.RunOnce(100);
  if (*answer) {
    report_.silent = std::move(**answer);
  } else {
    report_.errors.push_back(
        "the payments of silent gateways: the books did not answer; run this again");
  }
}

// After the payments, because repairs change the sums.
void ReconcileRun::CompareSums() {
  if (!reconciler_->error().empty()) return;
  SumCheck* running = nullptr;
  const auto show = [&] {
    if (!progress_.Due()) return;
    char share[16];
    std::snprintf(share, sizeof(share), "%.1f", running->share() * 100);
    progress_.Show(std::string("reconcile: ") + share + " % of the payments read for the sums");
  };
  SumCheck check({.loop = loop_, .claims = *claims_, .nodes = *sums_, .on_turn = show},
                 {.range = report_.range, .repair = options_.repair});
  running = &check;
  const std::string error = check.Run();
  if (!error.empty()) report_.errors.push_back(error);
  report_.sums = check.report();
}

void ReconcileRun::CompareTotals() {
  totals_.Run(report_.range, report_.processors);
  for (const ProcessorReport& report : report_.processors) {
    if (!report.problem.empty()) report_.errors.push_back(report.problem);
  }
}

int ReconcileRun::PrintReport() {
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

int ReconcileRun::Fail(const std::string& message) {
  progress_.Clear();
  base::PrintError(message);
  return 1;
}

}  // namespace

int Reconcile(const config::Config& config, const config::ReconcileOptions& options) {
  return ReconcileRun(config, options).Run();
}

}  // namespace tollgate::reconcile

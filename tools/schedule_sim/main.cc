// schedule-sim: routing rules over the public schedules and many random ones (docs/ROUTING.md).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>

#include "schedule_sim/bound.h"
#include "schedule_sim/report.h"
#include "schedule_sim/rules.h"
#include "tollgate/base/standard_descriptors.h"

namespace {

using namespace tollgate::schedule;

struct Arguments {
  uint64_t seeds = 100;
  uint64_t first_seed = 1;
  uint64_t sparse = 0;
  uint64_t turning = 0;
  bool auditors = false;
  bool unheard = false;
  std::vector<std::string> rules;     // empty: all
  std::vector<double> believed_fees;  // in per cent; empty: the true ones
  std::string csv;
  size_t jobs = 1;
  int64_t after_load_ms = kAfterLoadMs;
  bool no_public = false;
  RunOptions run;
  // Of the daemon's rule; negative: its defaults.
  double delay_cost = -1;
  int64_t max_wait_ms = -1;
  int64_t outage_expected_ms = -1;
};

struct Job {
  std::string name;
  uint64_t seed;
  Schedule schedule;
};

std::vector<Job> JobsOf(const Arguments& arguments) {
  std::vector<Job> jobs;
  if (!arguments.no_public) {
    jobs.push_back({"preview", 1, Preview()});
    jobs.push_back({"final", 1, Final()});
  }
  for (const Fees& fees : {kFees7And10, kFees5And15}) {
    for (uint64_t i = 0; i < arguments.seeds; ++i) {
      const uint64_t seed = arguments.first_seed + i;
      jobs.push_back({"random", seed, Random(seed, FamilyOf(seed), fees)});
    }
  }
  for (const Fees& fees : {kFees7And10, kFees5And15}) {
    for (uint64_t i = 0; i < arguments.turning; ++i) {
      const uint64_t seed = arguments.first_seed + i;
      jobs.push_back({"turning", seed, Random(seed, Family::kTurning, fees)});
    }
  }
  for (Job& job : jobs) job.schedule.cutoff_ms = job.schedule.load_ms + arguments.after_load_ms;
  for (uint64_t i = 0; i < arguments.sparse; ++i) {
    const uint64_t seed = arguments.first_seed + i;
    jobs.push_back({"sparse", seed, Random(seed, Family::kSparse, kFees5And15)});
  }
  return jobs;
}

void Adjust(const Arguments& arguments, Rule& rule) {
  if (rule.name != kDaemonsRule) return;
  auto& policy = rule.options.policy;
  if (arguments.delay_cost >= 0) {
    policy.delay_cost_ppm_per_s = std::llround(arguments.delay_cost * 1e6);
  }
  if (arguments.max_wait_ms >= 0) policy.wait_for_cheaper_ms_max = arguments.max_wait_ms;
  if (arguments.outage_expected_ms >= 0) {
    rule.options.outage_expected_ms = arguments.outage_expected_ms;
  }
}

int64_t PpmOf(double percent) { return std::llround(percent * 1e4); }

// Each auditor in a run of its own. If no gateway hears of visits, the run of `unheard` is that of
// all.
std::vector<Audited> Audit(const Job& job, const std::vector<double>& arrivals, const Rule& rule,
                           RunOptions options, const Outcome* unheard) {
  std::vector<Audited> audited;
  for (const Auditor& auditor : AllAuditors()) {
    options.visits_ns = VisitsNs(auditor, job.seed, job.schedule.cutoff_ms);
    const Outcome its = unheard != nullptr ? *unheard : Run(job.schedule, arrivals, rule, options);
    audited.push_back({auditor.name, options.visits_ns.size(),
                       VisitsIn(options.visits_ns, its.unsafe), its.share});
  }
  return audited;
}

std::vector<Row> RowsOf(const Arguments& arguments, const Job& job) {
  const std::vector<double> arrivals = Arrivals(job.schedule, job.seed);
  const double bound = BoundShare(job.schedule, arrivals);
  std::vector<Row> rows;
  for (Rule& rule : AllRules(job.schedule)) {
    const auto& wanted = arguments.rules;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), rule.name) == wanted.end()) {
      continue;
    }
    Adjust(arguments, rule);
    RunOptions options = arguments.run;
    options.seed = job.seed;
    if (!arguments.believed_fees.empty()) {
      options.believed =
          Fees{{PpmOf(arguments.believed_fees[0]), PpmOf(arguments.believed_fees[1])}};
    }
    rows.push_back({job.name,
                    job.seed,
                    job.schedule.fees,
                    rule.name,
                    bound,
                    Run(job.schedule, arrivals, rule, options),
                    {}});
    if (arguments.auditors) {
      rows.back().audited =
          Audit(job, arrivals, rule, options, arguments.unheard ? &rows.back().outcome : nullptr);
    }
  }
  return rows;
}

std::vector<Row> RunAll(const Arguments& arguments) {
  const std::vector<Job> jobs = JobsOf(arguments);
  std::vector<std::vector<Row>> results(jobs.size());
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  const bool watched = ::isatty(STDERR_FILENO) == 1;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < arguments.jobs; ++i) {
    threads.emplace_back([&] {
      for (size_t job = next++; job < jobs.size(); job = next++) {
        results[job] = RowsOf(arguments, jobs[job]);
        const size_t so_far = ++done;
        if (watched) std::fprintf(stderr, "\r%zu of %zu schedules", so_far, jobs.size());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (watched) std::fputc('\n', stderr);
  std::vector<Row> rows;
  for (auto& result : results) rows.insert(rows.end(), result.begin(), result.end());
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  tollgate::base::OccupyStandardDescriptors();
  CLI::App app("Routing rules over the public schedules and many random ones.");
  Arguments arguments;
  app.add_option("--seeds", arguments.seeds, "random schedules per pair of fees")
      ->capture_default_str();
  app.add_option("--sparse", arguments.sparse, "schedules with a payment every few seconds");
  app.add_option("--turning", arguments.turning,
                 "schedules per pair of fees in which the cheaper one turns slow again and again");
  app.add_flag("--auditors", arguments.auditors,
               "play auditors of several kinds, and count the differences that they see");
  app.add_flag("--unheard", arguments.unheard, "auditors whose visits no gateway hears of");
  app.add_flag("--late-records", arguments.run.costs.late_records,
               "each record is up to 30 ms late, one in fifty 100 ms");
  app.add_option(
         "--summary-wait", arguments.run.summary_wait_ms,
         "ms that a summary waits for what was confirmed before; 0: it has what is recorded")
      ->capture_default_str();
  app.add_option("--first-seed", arguments.first_seed, "of them")->capture_default_str();
  app.add_option("--rule", arguments.rules, "only this rule; may be repeated");
  app.add_option("--jobs", arguments.jobs, "threads")->check(CLI::Range(1, 64));
  app.add_option("--believed-fees", arguments.believed_fees,
                 "two fees in per cent that the gateways are told instead of the true ones")
      ->expected(2)
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--csv", arguments.csv, "a file for one line per run");
  app.add_option("--after-load", arguments.after_load_ms,
                 "ms from the last payment to the end of the run")
      ->capture_default_str();
  app.add_flag("--random-only", arguments.no_public, "leave out the public schedules");
  app.add_option("--instances", arguments.run.instances, "gateways")->check(CLI::Range(1, 16));
  app.add_option("--in-flight-max", arguments.run.in_flight_max, "per processor and gateway");
  app.add_option("--delay-cost", arguments.delay_cost, "of the daemon's rule, per second");
  app.add_option("--max-wait", arguments.max_wait_ms, "likewise, ms");
  app.add_option("--outage-expected", arguments.outage_expected_ms, "likewise, ms");
  CLI11_PARSE(app, argc, argv);

  const std::vector<Row> rows = RunAll(arguments);
  std::fputs(Table(rows).c_str(), stdout);
  if (arguments.auditors) std::fputs(AuditTable(rows).c_str(), stdout);
  size_t above = 0;
  for (const Row& row : rows) above += row.outcome.share > row.bound ? 1 : 0;
  if (above != 0) {
    std::fprintf(stderr, "schedule-sim: %zu runs beat the bound: it is no bound\n", above);
    return 1;
  }
  if (arguments.csv.empty()) return 0;
  std::ofstream file(arguments.csv);
  file << Lines(rows);
  file.close();
  if (file.good()) return 0;
  std::fprintf(stderr, "schedule-sim: %s cannot be written\n", arguments.csv.c_str());
  return 1;
}

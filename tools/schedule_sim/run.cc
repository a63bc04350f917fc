#include "schedule_sim/run.h"

#include <algorithm>
#include <utility>

#include "schedule_sim/bound.h"
#include "schedule_sim/health_watch.h"
#include "tollgate/base/assert.h"
#include "tollgate/base/random.h"

namespace tollgate::schedule {
namespace {

constexpr int64_t kAmountCents = 1'990;

// The auditor's three questions are answered up to so much apart.
constexpr int64_t kAuditSpreadNs = base::kNanosPerMilli;
constexpr int64_t kAuditEveryNs = 10 * base::kNanosPerSecond;

// The part of [0, period) that the stretches cover, each taken modulo the period.
double CoveredShare(std::vector<Stretch> stretches, int64_t period) {
  const size_t whole = stretches.size();
  for (size_t i = 0; i < whole; ++i) {
    auto& [from, to] = stretches[i];
    if (to - from >= period) return 1;
    const int64_t length = to - from;
    from = (from % period + period) % period;
    to = from + length;
    if (to > period) {
      stretches.emplace_back(0, to - period);
      stretches[i].second = period;  // the reference may be stale
    }
  }
  std::sort(stretches.begin(), stretches.end());
  int64_t covered = 0;
  int64_t end = 0;
  for (const auto& [from, to] : stretches) {
    covered += std::max<int64_t>(0, to - std::max(from, end));
    end = std::max(end, to);
  }
  return static_cast<double>(covered) / static_cast<double>(period);
}

// Kinds of events.
constexpr uint32_t kPost = 0;
constexpr uint32_t kVisit = 1;

class Simulation final : public EventTarget {
 public:
  Simulation(const Schedule& schedule, const std::vector<double>& arrivals, const Rule& rule,
             const RunOptions& options)
      : schedule_(schedule), arrivals_(arrivals), options_(options), fates_(arrivals.size()) {
    // A run begins at any moment of a second.
    constexpr int64_t kPhasesMs = 1'000;
    phase_ms_ = static_cast<int64_t>(base::Random(options.seed).Below(kPhasesMs));
    events_.clock().StepWallMillis(phase_ms_);
    for (uint8_t i = 0; i < kProcessors; ++i) {
      processors_.push_back(
          std::make_unique<SimulatedProcessor>(events_, schedule.processors[i], i, fates_));
    }
    std::vector<upstream::HealthBoard*> boards;
    for (size_t i = 0; i < options.instances; ++i) {
      instances_.push_back(OpenInstance(rule, i));
      boards.push_back(&instances_.back()->board());
    }
    watch_ = std::make_unique<HealthWatch>(events_, processors_, boards, options.seed);
  }

  Outcome Run() {
    ScheduleArrival();
    for (size_t i = 0; i < options_.visits_ns.size(); ++i) {
      events_.At(options_.visits_ns[i], *this, kVisit, i);
    }
    while (events_.RunMoment(schedule_.cutoff_ms * base::kNanosPerMilli)) {
      for (const auto& instance : instances_) instance->Pump();
    }
    outcome_.accepted = arrivals_.size() - outcome_.refused;
    std::vector<Stretch> differs = DifferingMoments();
    outcome_.unsafe = Merged(differs);
    outcome_.audit_risk = CoveredShare(std::move(differs), kAuditEveryNs);
    outcome_.booked.assign(kProcessors, 0);
    for (size_t i = 0; i < fates_.size(); ++i) {
      const bool booked = fates_[i].processor != kNowhere;
      if (booked) ++outcome_.booked[fates_[i].processor];
      const double end_ms = booked ? static_cast<double>(fates_[i].booked_ns) / 1e6
                                   : static_cast<double>(schedule_.cutoff_ms);
      outcome_.longest_ms = std::max(outcome_.longest_ms, end_ms - arrivals_[i]);
    }
    outcome_.share = ShareOf(schedule_.fees, outcome_.booked, arrivals_.size());
    return outcome_;
  }

  void OnEvent(uint32_t kind, uint64_t argument) override {
    if (kind == kVisit) {
      const int64_t wall_ms = events_.clock().WallMillis();
      return instances_[argument % instances_.size()]->board().visits().Note(wall_ms, wall_ms);
    }
    const bool taken =
        instances_[argument % instances_.size()]->Accept({{1, argument}, kAmountCents});
    if (!taken) ++outcome_.refused;
    ScheduleArrival();
  }

 private:
  Costs CostsOf(size_t index) const {
    Costs costs = options_.costs;
    costs.seed = options_.seed + index;
    return costs;
  }

  std::unique_ptr<Instance> OpenInstance(const Rule& rule, size_t index) {
    forward::ForwarderOptions forwarding = rule.options;
    const Fees fees = options_.believed.value_or(schedule_.fees);
    forwarding.processors = {
        {.name = "default", .url = "", .fee_ppm = fees.ppm[0], .headers = {}, .ca_file = {}},
        {.name = "fallback", .url = "", .fee_ppm = fees.ppm[1], .headers = {}, .ca_file = {}}};
    for (auto& processor : forwarding.processors) {
      processor.in_flight_max = options_.in_flight_max;
    }
    forwarding.seed = options_.seed + index;
    if (forwarding.cutoff.at_ms != INT64_MAX) forwarding.cutoff.at_ms += phase_ms_;
    auto table = table::PaymentTable::Open({.path = {},
                                            .durability = table::Durability::kMemory,
                                            .slots = options_.slots,
                                            .sync_for_test = nullptr},
                                           directory_);
    TG_ASSERT(table.ok());
    return std::make_unique<Instance>(events_, CostsOf(index), processors_, fates_, directory_,
                                      std::move(table).value(), forwarding);
  }

  void ScheduleArrival() {
    if (next_ == arrivals_.size()) return;
    const double at_ns = arrivals_[next_] * static_cast<double>(base::kNanosPerMilli);
    events_.At(static_cast<int64_t>(at_ns), *this, kPost, next_);
    ++next_;
  }

  // A payment shows as a difference from its booking until a summary has it, if by then it was sent
  // so long ago that the auditor counts it. A summary has what its gateway heard of, unless the
  // record comes after the longest wait.
  std::vector<Stretch> DifferingMoments() const {
    std::vector<Stretch> stretches;
    const int64_t start_ms = base::ManualClock().WallMillis() + phase_ms_;
    for (const Fate& fate : fates_) {
      if (fate.processor == kNowhere) continue;
      const int64_t counted_ns =
          (fate.requested_at_ms - start_ms + schedule_.audit_lag_ms) * base::kNanosPerMilli;
      const int64_t from_ns = std::max(fate.booked_ns, counted_ns) - kAuditSpreadNs;
      const int64_t wait_ns = options_.summary_wait_ms * base::kNanosPerMilli;
      const int64_t seen_ns =
          wait_ns == 0 ? fate.on_books_ns : std::max(fate.heard_ns, fate.on_books_ns - wait_ns);
      if (fate.on_books_ns != 0 && seen_ns >= counted_ns) {
        stretches.emplace_back(from_ns, seen_ns + kAuditSpreadNs);
      }
    }
    return stretches;
  }

  const Schedule& schedule_;
  const std::vector<double>& arrivals_;
  const RunOptions options_;
  EventQueue events_;
  int64_t phase_ms_ = 0;  // of the wall clock at the start
  std::vector<Fate> fates_;
  SimulatedProcessors processors_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::vector<std::unique_ptr<Instance>> instances_;
  std::unique_ptr<HealthWatch> watch_;
  size_t next_ = 0;
  Outcome outcome_;
};

}  // namespace

Outcome Run(const Schedule& schedule, const std::vector<double>& arrivals, const Rule& rule,
            const RunOptions& options) {
  return Simulation(schedule, arrivals, rule, options).Run();
}

}  // namespace tollgate::schedule

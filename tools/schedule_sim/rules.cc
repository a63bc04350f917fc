#include "schedule_sim/rules.h"

#include <algorithm>

namespace tollgate::schedule {
namespace {

using forward::Availability;
using forward::Choice;
using forward::kNever;
using forward::Moment;
using forward::PolicyOptions;
using forward::ProcessorView;

using Views = std::span<const ProcessorView>;

bool Ready(const ProcessorView& view) {
  return view.availability == Availability::kOpenForAll ||
         view.availability == Availability::kProbeDue;
}

Choice Take(const ProcessorView& view) { return {.processor = view.id, .wait_until_ms = 0}; }

Choice WaitFor(Views views) {
  int64_t wake_ms = kNever;
  for (const ProcessorView& view : views) {
    if (view.availability == Availability::kBreakerOpen)
      wake_ms = std::min(wake_ms, view.retry_at_ms);
  }
  return {.processor = payments::kNoProcessor, .wait_until_ms = wake_ms};
}

// The first if `first_is_better`, the other one if that is not ready, and either way whoever is.
Choice Prefer(Views views, bool first_is_better) {
  const ProcessorView& liked = views[first_is_better ? 0 : 1];
  const ProcessorView& other = views[first_is_better ? 1 : 0];
  if (Ready(liked)) return Take(liked);
  if (Ready(other)) return Take(other);
  return WaitFor(views);
}

// Nothing ever goes to the dearer one.
Choice DefaultOnly(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Ready(views[0]) ? Take(views[0]) : WaitFor(views);
}

Choice FastestWins(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Prefer(views, views[0].latency_ms <= views[1].latency_ms);
}

// The cheaper one unless it is slower by so much.
template <int64_t kMarginMs>
Choice SlowerByAtMost(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Prefer(views, views[0].latency_ms <= views[1].latency_ms + kMarginMs);
}

// The cheaper one while it is faster than so much.
template <int64_t kLatencyMs>
Choice FasterThan(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Prefer(views, views[0].latency_ms <= kLatencyMs);
}

// The cheaper one unless it is so many times as slow.
template <int64_t kTimes>
Choice SlowerByRatio(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Prefer(views, views[0].latency_ms <= kTimes * std::max<int64_t>(views[1].latency_ms, 10));
}

// Cheapest that has its breaker closed and a place.
Choice CheapestReady(Views views, const Moment& /*moment*/, const PolicyOptions& /*options*/) {
  return Prefer(views, true);
}

Rule With(std::string name, forward::ChooseFunction choose) {
  Rule rule{.name = std::move(name), .options = {}};
  rule.options.choose = choose;
  return rule;
}

}  // namespace

std::vector<Rule> AllRules(const Schedule& schedule) {
  std::vector<Rule> rules{With("default only", DefaultOnly),
                          With("fastest wins", FastestWins),
                          With("at most 150 ms slower", SlowerByAtMost<150>),
                          With("faster than 1 s", FasterThan<1'000>),
                          With("at most 3 times slower", SlowerByRatio<3>),
                          With("cheapest ready", CheapestReady)};
  rules.push_back(With(kWithoutAudits, &forward::Choose));
  Rule known = With("expected cost, cutoff known", &forward::Choose);
  known.options.policy.delay_cost_ppm_per_s = 0;
  known.options.policy.wait_for_cheaper_ms_max = 1'000'000;
  known.options.cutoff.at_ms = base::ManualClock().WallMillis() + schedule.cutoff_ms;
  rules.push_back(known);
  constexpr int64_t kAuditLagMs = 1'500;
  known.name = kDaemonsKnownEnd;
  known.options.policy.audit_lag_ms = kAuditLagMs;
  rules.push_back(known);
  Rule audit_safe = With(kDaemonsRule, &forward::Choose);
  audit_safe.options.policy.audit_lag_ms = kAuditLagMs;
  rules.push_back(audit_safe);
  return rules;
}

}  // namespace tollgate::schedule

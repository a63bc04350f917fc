#include "forward/processor_state.h"

#include <algorithm>

#include "tollgate/base/assert.h"
#include "tollgate/base/clock.h"

namespace tollgate::forward {

void LatencyWindow::Add(int64_t value_us) {
  values_[count_ % kSize] = value_us;
  ++count_;
  stale_ = true;
}

int64_t LatencyWindow::MedianUs() const {
  if (count_ == 0) return 0;
  if (!stale_) return median_us_;
  std::array<int64_t, kSize> sorted = values_;
  const size_t n = std::min(count_, kSize);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  median_us_ = *middle;
  stale_ = false;
  return median_us_;
}

ProcessorState::ProcessorState(const ProcessorStateOptions& options)
    : options_(options), max_(options.in_flight_max), cap_(max_) {
  TG_ASSERT(options.in_flight_max > 0);
}

bool ProcessorState::OnHealth(const upstream::ProcessorHealth& health, int64_t now_ns) {
  Watch(now_ns);
  if (health == health_) return false;
  const bool failing_is_news = health.known && health.failing && !health_.failing;
  const bool well_is_news = health.known && !health.failing && health_.failing;
  if (health.known && (!health_.known || health.min_response_ms != health_.min_response_ms)) {
    // A delay that has changed: older answers say nothing of it.
    latency_.Clear();
    newest_sent_ns_ = now_ns;
  }
  health_ = health;
  if (failing_is_news && !breaker_open_) {
    Open(now_ns);
    return true;
  }
  if (!well_is_news || !breaker_open_) return false;
  Close(now_ns);
  return true;
}

// An answer tells of the time when its payment was sent: one that overtakes others is news, and
// those are not.
void ProcessorState::NoteDuration(int64_t duration_us, int64_t now_ns) {
  const int64_t sent_ns = now_ns - duration_us * 1000;
  if (sent_ns < newest_sent_ns_) return;
  newest_sent_ns_ = sent_ns;
  latency_.Add(duration_us);
  // Weighted by time, not by payments, of which a slow processor gets fewer.
  constexpr double kMemoryNs = 120.0 * base::kNanosPerSecond;
  const auto passed_ns = static_cast<double>(now_ns - usual_at_ns_);
  const double weight = passed_ns / (passed_ns + kMemoryNs);
  usual_us_ += weight * (static_cast<double>(duration_us) - usual_us_);
  usual_at_ns_ = now_ns;
}

bool ProcessorState::OnSuccess(int64_t duration_us, int64_t now_ns) {
  NoteDuration(duration_us, now_ns);
  const bool breaker_is_older = now_ns - duration_us * 1000 >= breaker_changed_ns_;
  if (!breaker_open_) failures_ = waves_ = 0;
  if (cap_ < max_ && ++successes_ >= cap_) {
    cap_ = std::min(max_, cap_ + std::max(1U, cap_ / 8));
    successes_ = 0;
  }
  if (!breaker_open_ || !breaker_is_older) return false;
  Close(now_ns);
  return true;
}

bool ProcessorState::OnFailure(int64_t duration_us, int64_t now_ns) {
  if (breaker_open_ || now_ns - duration_us * 1000 < breaker_changed_ns_) return false;
  if (++failures_ < options_.breaker_failures) return false;
  Open(now_ns);
  return true;
}

bool ProcessorState::OnOverCapacity(int64_t duration_us, int64_t retry_after_ms, int64_t now_ns) {
  constexpr int64_t kOncePerNs = 100 * base::kNanosPerMilli;
  successes_ = 0;
  not_before_ns_ = std::max(not_before_ns_, now_ns + retry_after_ms * base::kNanosPerMilli);
  if (breaker_open_) {  // a probe says nothing of how many it takes at once
    next_probe_ns_ = std::max(next_probe_ns_, not_before_ns_);
    return false;
  }
  const int64_t sent_ns = now_ns - duration_us * 1000;
  if (wave_ns_ != 0 && (sent_ns < wave_ns_ || now_ns - wave_ns_ < kOncePerNs)) return false;
  wave_ns_ = now_ns;
  cap_ = std::max(1U, cap_ / 2);
  if (sent_ns < breaker_changed_ns_ || ++waves_ < options_.breaker_failures) return false;
  Open(now_ns);
  return true;
}

void ProcessorState::SetMax(uint32_t in_flight_max) {
  TG_ASSERT(in_flight_max > 0);
  const bool at_max = cap_ == max_;
  max_ = in_flight_max;
  cap_ = at_max ? max_ : std::min(cap_, max_);
}

void ProcessorState::Open(int64_t now_ns) {
  breaker_open_ = true;
  breaker_changed_ns_ = now_ns;
  SetAway(true, now_ns);
  next_probe_ns_ = NextProbeNs(now_ns);
}

int64_t ProcessorState::NextProbeNs(int64_t now_ns) const {
  return std::max(now_ns + options_.probe_interval_ns, not_before_ns_);
}

void ProcessorState::Close(int64_t now_ns) {
  breaker_open_ = false;
  breaker_changed_ns_ = now_ns;
  failures_ = waves_ = 0;
  not_before_ns_ = 0;
  SetAway(Slow(now_ns), now_ns);
}

void ProcessorState::SetAway(bool away, int64_t now_ns) {
  if (away == away_) return;
  away_ = away;
  if (away) {
    away_since_ns_ = now_ns;
    return;
  }
  outages_ns_ += now_ns - away_since_ns_;
  ++outages_;
}

// What is expected of an outage, or of a time of being slow, that ends at a constant rate, the rate
// being learned from those seen, this one included (the posterior mean of an exponential's, with a
// gamma prior).
int64_t ProcessorState::BackInMs(int64_t now_ns) const {
  if (!away_) return 0;
  const int64_t seen_ms = (outages_ns_ + now_ns - away_since_ns_) / base::kNanosPerMilli;
  constexpr int64_t kImagined = 2;  // outages of the expected length, before any was seen
  const int64_t expected_ms =
      (kImagined * options_.outage_expected_ms + seen_ms) / (kImagined + outages_);
  const int64_t asked_ms = breaker_open_ ? (not_before_ns_ - now_ns) / base::kNanosPerMilli : 0;
  return std::max(expected_ms, asked_ms);
}

// How likely it could not help soon with all that waits, if it were needed: as often as it was too
// slow for that before; surely, if it is so now.
int64_t ProcessorState::WeakPpm(int64_t now_ns, int64_t in_line) const {
  constexpr int64_t kSoonMs = 1'000;
  constexpr int64_t kAlways = 1'000'000;
  const int64_t turns_ms = kSoonMs * cap_ / std::max<int64_t>(in_line + 1, cap_);
  if (breaker_open_ || LatencyMs(now_ns) > turns_ms) return kAlways;
  return pace_.SlowerPpm(turns_ms);
}

void ProcessorState::Watch(int64_t now_ns) {
  constexpr int64_t kStepNs = 100 * base::kNanosPerMilli;
  const int64_t passed_ns = now_ns - watched_ns_;
  if (passed_ns < kStepNs) return;
  watched_ns_ = now_ns;
  SetAway(breaker_open_ || Slow(now_ns), now_ns);
  if (passed_ns > base::kNanosPerSecond) return;  // nobody looked
  pace_.Add(breaker_open_ ? PaceHistory::kSlowMs : LatencyMs(now_ns), passed_ns);
}

int64_t ProcessorState::KnownLatencyMs() const {
  if (!latency_.empty()) return latency_.MedianUs() / 1000;
  return health_.known ? int64_t{health_.min_response_ms} : 0;
}

int64_t ProcessorState::SilentMs(int64_t now_ns) const {
  return sent_ == 0 ? 0 : (now_ns - unanswered_ns_) / base::kNanosPerMilli;
}

// Of a payment sent now: the last answers, or health where it is newer, or longer than that if
// nothing has answered for longer.
int64_t ProcessorState::LatencyMs(int64_t now_ns) const {
  return std::max(KnownLatencyMs(), SilentMs(now_ns));
}

bool ProcessorState::Suspect(int64_t now_ns) const {
  constexpr int64_t kPatienceMs = 150;
  return SilentMs(now_ns) > kPatienceMs + 2 * KnownLatencyMs();
}

void ProcessorState::Take(int64_t now_ns) {
  taken_ns_ = now_ns;
  ++in_flight_;
  if (breaker_open_) next_probe_ns_ = NextProbeNs(now_ns);
}

void ProcessorState::GiveBack() {
  TG_ASSERT(in_flight_ > 0);
  --in_flight_;
}

// A place may be held for long before anything is sent, as long as the ledger does not answer.
void ProcessorState::OnSent(int64_t now_ns) {
  if (sent_++ == 0) unanswered_ns_ = now_ns;
}

void ProcessorState::OnEnded(bool answered, int64_t now_ns) {
  TG_ASSERT(sent_ > 0);
  --sent_;
  if (answered) unanswered_ns_ = now_ns;
}

Standing ProcessorState::StandingAt(int64_t now_ns) const {
  if (unresolved_ >= options_.unresolved_max) return Standing::kUnresolvedCap;
  if (in_flight_ >= cap_) return Standing::kFull;
  if (!breaker_open_) return Standing::kOpenForAll;
  return now_ns >= next_probe_ns_ ? Standing::kProbeDue : Standing::kBreakerOpen;
}

ProcessorView ProcessorState::View(int64_t now_ns, int64_t in_line) const {
  return {.id = options_.id,
          .fee_ppm = options_.fee_ppm,
          .standing = StandingAt(now_ns),
          .retry_at_ms = next_probe_ns_ / base::kNanosPerMilli + 1,
          .latency_ms = LatencyMs(now_ns),
          .back_in_ms = BackInMs(now_ns),
          .usual_latency_ms = static_cast<int64_t>(usual_us_ / 1000),
          .weak_ppm = WeakPpm(now_ns, in_line),
          .sample_due = now_ns - taken_ns_ >= options_.probe_interval_ns,
          .told_out = health_.known && health_.failing,
          .suspect = Suspect(now_ns),
          .in_flight = in_flight_,
          .in_flight_cap = cap_};
}

}  // namespace tollgate::forward

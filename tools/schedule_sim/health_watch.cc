#include "schedule_sim/health_watch.h"

namespace tollgate::schedule {
namespace {

constexpr int64_t kLoopTurnNs = 20 * base::kNanosPerMilli;
constexpr int64_t kAnswerNs = base::kNanosPerMilli;

// Kinds of events; an answer's argument is monitor and processor.
constexpr uint32_t kTurn = 0;
constexpr uint32_t kAnswer = 1;

}  // namespace

void LeaseModel::Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> visits,
                         OnView done) {
  for (const int64_t at_ms : visits) visits_.Note(at_ms, clock_.WallMillis());
  base::RecentTimes::Times times;
  const auto known = visits_.Read(times, clock_.WallMillis());
  if (NowMs() >= expires_ms_) holder_.clear();
  if (holder_.empty() || holder_ == token) {
    holder_ = token;
    expires_ms_ = NowMs() + ttl_ms;
  }
  done(ledger::LeaseView{.held = holder_ == token,
                         .holder = holder_,
                         .snapshot = snapshot_,
                         .snapshot_age_ms = NowMs() - published_ms_,
                         .visits = {known.begin(), known.end()}});
}

void LeaseModel::Publish(const std::string& token, const std::string& snapshot, OnDone done) {
  if (holder_ == token) {
    snapshot_ = snapshot;
    published_ms_ = NowMs();
  }
  done(holder_ == token);
}

void LeaseModel::Release(const std::string& token, OnDone done) {
  if (holder_ == token) holder_.clear();
  done(true);
}

HealthWatch::HealthWatch(EventQueue& events,
                         std::vector<std::unique_ptr<SimulatedProcessor>>& processors,
                         const std::vector<upstream::HealthBoard*>& boards, uint64_t seed)
    : events_(events), processors_(processors), loop_(events.clock()), lease_(events.clock()) {
  for (size_t i = 0; i < boards.size(); ++i) {
    health::MonitorOptions options;
    options.processors = {"default", "fallback"};
    options.token = std::to_string(i);
    options.seed = seed + i;
    monitors_.push_back(std::make_unique<health::Monitor>(loop_, std::move(options), lease_,
                                                          *boards[i], [this, i](size_t processor) {
                                                            Ask(i, processor);
                                                            return true;
                                                          }));
    monitors_.back()->Start();
  }
  events_.After(kLoopTurnNs, *this, kTurn, 0);
}

void HealthWatch::Ask(size_t monitor, size_t processor) {
  const int64_t now_ms = events_.now_ns() / base::kNanosPerMilli;
  const auto at_ms = processors_[processor]->health_limit().Admit(now_ms);
  if (!at_ms) return;  // 429
  events_.At(*at_ms * base::kNanosPerMilli + kAnswerNs, *this, kAnswer,
             monitor * kProcessors + processor);
}

void HealthWatch::OnEvent(uint32_t kind, uint64_t argument) {
  loop_.RunOnce(0);
  if (kind == kTurn) return events_.After(kLoopTurnNs, *this, kTurn, 0);
  const size_t processor = argument % kProcessors;
  const Segment& now = processors_[processor]->Now();
  monitors_[argument / kProcessors]->OnAnswer(
      processor, payments::ServiceHealth{.failing = now.failing, .min_response_ms = now.delay_ms});
}

}  // namespace tollgate::schedule

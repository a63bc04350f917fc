#include "tollgate/health/monitor.h"

#include <algorithm>
#include <utility>

#include "health/snapshot.h"

namespace tollgate::health {
namespace {

constexpr int64_t kVisitsToldMs = 30'000;

}  // namespace

Monitor::Monitor(net::EventLoop& loop, MonitorOptions options, ledger::LeaseStore& lease,
                 upstream::HealthBoard& board, Ask ask)
    : loop_(loop),
      options_(std::move(options)),
      lease_(lease),
      board_(board),
      ask_(std::move(ask)),
      known_(options_.processors.size()),
      random_(options_.seed),
      renew_timer_(loop, [this] { Renew(); }),
      poll_timer_(loop, [this] { Poll(); }) {}

void Monitor::Report(bool problem, const std::string& text) const {
  if (options_.report) options_.report(problem, text);
}

void Monitor::Renew() {
  // A call may fail once or twice, so a visit is told again and again.
  base::RecentTimes::Times times;
  const auto visits = board_.visits().Read(times, loop_.wall_ms(), kVisitsToldMs);
  lease_.Acquire(options_.token, options_.lease_ttl_ms, visits,
                 life_.Guard([this](const auto& view) { OnView(view); }));
}

void Monitor::OnView(const std::optional<ledger::LeaseView>& view) {
  if (stopping_) return;
  if (view) {
    failures_.Reset();
    board_.PublishInstances(view->instances);
    for (const int64_t at_ms : view->visits) board_.visits().Note(at_ms, loop_.wall_ms());
    SetHeld(view->held, view->holder.empty() ? "no instance" : view->holder);
    if (!view->held) Adopt(*view);
    if (view->held && !seen_snapshot_) Adopt(*view);  // to learn when the former holder polled
    seen_snapshot_ = true;
  } else {
    SetHeld(false, "the ledger is away");
  }
  PublishBoard();
  // Up to a tenth of jitter, so that instances do not all call at the same moment.
  int64_t wait_ms = view ? options_.renew_waits.min_ms : failures_.NextMs(options_.renew_waits);
  wait_ms -= static_cast<int64_t>(random_.Below(static_cast<uint64_t>(wait_ms / 10 + 1)));
  renew_timer_.ArmIn(wait_ms * base::kNanosPerMilli);
}

void Monitor::SetHeld(bool now_held, const std::string& why) {
  if (now_held == held_) return;
  held_ = now_held;
  Report(false, held_ ? "health: this instance holds the lease and asks the processors"
                      : "health: this instance gave up the lease (" + why + ")");
  held_ ? Poll() : poll_timer_.Disarm();
}

void Monitor::Adopt(const ledger::LeaseView& view) {
  for (const SnapshotLine& line : ParseSnapshot(view.snapshot)) {
    for (size_t i = 0; i < known_.size(); ++i) {
      if (options_.processors[i] != line.name) continue;
      // Both ages come from Redis and its clock, which may step. Greater ages make no difference.
      const int64_t old_ms = options_.believed_ms_max + options_.poll_interval_ms;
      const int64_t age_ms = std::clamp<int64_t>(line.age_ms, 0, old_ms) +
                             std::clamp<int64_t>(view.snapshot_age_ms, 0, old_ms);
      const int64_t heard_ns = loop_.now_ns() - age_ms * base::kNanosPerMilli;
      if (known_[i].any && known_[i].heard_ns >= heard_ns) continue;
      known_[i] = {.any = true,
                   .failing = line.failing,
                   .min_response_ms = line.min_response_ms,
                   .heard_ns = heard_ns,
                   .next_poll_ns = heard_ns + PollIntervalNs()};
    }
  }
  if (held_) Poll();
}

int64_t Monitor::PollIntervalNs() const { return options_.poll_interval_ms * base::kNanosPerMilli; }

void Monitor::Poll() {
  if (!held_ || stopping_) return;
  const int64_t now = loop_.now_ns();
  int64_t next = now + PollIntervalNs();
  for (size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].next_poll_ns <= now) {
      ask_(i);  // false: the processor still delays the last call, which is normal
      known_[i].next_poll_ns = now + PollIntervalNs();
    }
    next = std::min(next, known_[i].next_poll_ns);
  }
  poll_timer_.Arm(next);
}

void Monitor::OnAnswer(size_t processor, const std::optional<payments::ServiceHealth>& answer) {
  if (!answer) return;
  Known& it = known_[processor];
  if (!it.any || it.failing != answer->failing) {
    Report(false, "health: " + options_.processors[processor] +
                      (answer->failing ? " says that it is failing" : " says that it works"));
  }
  it.any = true;
  it.failing = answer->failing;
  it.min_response_ms =
      static_cast<uint32_t>(std::clamp<int64_t>(answer->min_response_ms, 0, INT32_MAX));
  it.heard_ns = loop_.now_ns();
  PublishBoard();
  if (held_) PublishSnapshot();
}

void Monitor::PublishSnapshot() {
  std::vector<SnapshotLine> lines;
  for (size_t i = 0; i < known_.size(); ++i) {
    if (!known_[i].any) continue;
    lines.push_back({.name = options_.processors[i],
                     .failing = known_[i].failing,
                     .min_response_ms = known_[i].min_response_ms,
                     .age_ms = (loop_.now_ns() - known_[i].heard_ns) / base::kNanosPerMilli});
  }
  // If it fails, the next answer publishes again.
  lease_.Publish(options_.token, FormatSnapshot(lines), [](bool) {});
}

void Monitor::PublishBoard() {
  const int64_t oldest = loop_.now_ns() - options_.believed_ms_max * base::kNanosPerMilli;
  for (size_t i = 0; i < known_.size(); ++i) {
    const bool believed = known_[i].any && known_[i].heard_ns >= oldest;
    board_.Publish(static_cast<payments::ProcessorId>(i),
                   {.known = believed,
                    .failing = believed && known_[i].failing,
                    .min_response_ms = believed ? known_[i].min_response_ms : 0});
  }
}

void Monitor::Stop(std::function<void()> done) {
  stopping_ = true;
  renew_timer_.Disarm();
  poll_timer_.Disarm();
  held_ = false;
  lease_.Release(options_.token, [done = std::move(done)](bool) { done(); });
}

}  // namespace tollgate::health

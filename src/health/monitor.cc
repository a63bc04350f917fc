#include "tollgate/health/monitor.h"

#include <algorithm>
#include <utility>

#include "health/snapshot.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/base/random.h"

namespace tollgate::health {

struct Monitor::Impl {
  static constexpr int64_t kVisitsToldMs = 30'000;

  // The last answer of one processor, from this instance's poll or the holder's snapshot.
  struct Known {
    bool any = false;
    bool failing = false;
    uint32_t min_response_ms = 0;
    int64_t heard_ns = 0;
    int64_t next_poll_ns = 0;
  };

  Impl(net::EventLoop& loop_in, MonitorOptions options_in, ledger::LeaseStore& lease_in,
       upstream::HealthBoard& board_in, Ask ask_in)
      : loop(loop_in),
        options(std::move(options_in)),
        lease(lease_in),
        board(board_in),
        ask(std::move(ask_in)),
        known(options.processors.size()),
        random(options.seed),
        renew_timer(loop, [this] { Renew(); }),
        poll_timer(loop, [this] { Poll(); }) {}

  void Report(bool problem, const std::string& text) const {
    if (options.report) options.report(problem, text);
  }

  void Renew() {
    // A call may fail once or twice, so a visit is told again and again.
    base::RecentTimes::Times times;
    const auto visits = board.visits().Read(times, loop.wall_ms(), kVisitsToldMs);
    lease.Acquire(options.token, options.lease_ttl_ms, visits,
                  life.Guard([this](const auto& view) { OnView(view); }));
  }

  void OnView(const std::optional<ledger::LeaseView>& view) {
    if (stopping) return;
    if (view) {
      failures.Reset();
      board.PublishInstances(view->instances);
      for (const int64_t at_ms : view->visits) board.visits().Note(at_ms, loop.wall_ms());
      SetHeld(view->held, view->holder.empty() ? "nobody" : view->holder);
      if (!view->held) Adopt(*view);
      if (view->held && !seen_snapshot) Adopt(*view);  // to learn when the former holder polled
      seen_snapshot = true;
    } else {
      SetHeld(false, "the ledger is away");
    }
    PublishBoard();
    // Up to a tenth of jitter, so that instances do not all call at the same moment.
    int64_t wait_ms = view ? options.renew_waits.min_ms : failures.NextMs(options.renew_waits);
    wait_ms -= static_cast<int64_t>(random.Below(static_cast<uint64_t>(wait_ms / 10 + 1)));
    renew_timer.ArmIn(wait_ms * base::kNanosPerMilli);
  }

  void SetHeld(bool now_held, const std::string& why) {
    if (now_held == held) return;
    held = now_held;
    Report(false, held ? "health: this instance holds the lease and asks the processors"
                       : "health: this instance gave up the lease (" + why + ")");
    held ? Poll() : poll_timer.Disarm();
  }

  // Takes over the answers of another instance.
  void Adopt(const ledger::LeaseView& view) {
    for (const SnapshotLine& line : ParseSnapshot(view.snapshot)) {
      for (size_t i = 0; i < known.size(); ++i) {
        if (options.processors[i] != line.name) continue;
        // Both ages come from Redis and its clock, which may step. Greater ages make no difference.
        const int64_t old_ms = options.believed_ms_max + options.poll_interval_ms;
        const int64_t age_ms = std::clamp<int64_t>(line.age_ms, 0, old_ms) +
                               std::clamp<int64_t>(view.snapshot_age_ms, 0, old_ms);
        const int64_t heard_ns = loop.now_ns() - age_ms * base::kNanosPerMilli;
        if (known[i].any && known[i].heard_ns >= heard_ns) continue;
        known[i] = {.any = true,
                    .failing = line.failing,
                    .min_response_ms = line.min_response_ms,
                    .heard_ns = heard_ns,
                    .next_poll_ns = heard_ns + PollIntervalNs()};
      }
    }
    if (held) Poll();
  }

  int64_t PollIntervalNs() const { return options.poll_interval_ms * base::kNanosPerMilli; }

  void Poll() {
    if (!held || stopping) return;
    const int64_t now = loop.now_ns();
    int64_t next = now + PollIntervalNs();
    for (size_t i = 0; i < known.size(); ++i) {
      if (known[i].next_poll_ns <= now) {
        ask(i);  // false: the processor still delays the last call, which is normal
        known[i].next_poll_ns = now + PollIntervalNs();
      }
      next = std::min(next, known[i].next_poll_ns);
    }
    poll_timer.Arm(next);
  }

  void OnAnswer(size_t processor, const std::optional<payments::ServiceHealth>& answer) {
    if (!answer) return;
    Known& it = known[processor];
    if (!it.any || it.failing != answer->failing) {
      Report(false, "health: " + options.processors[processor] +
                        (answer->failing ? " says that it is failing" : " says that it works"));
    }
    it.any = true;
    it.failing = answer->failing;
    it.min_response_ms =
        static_cast<uint32_t>(std::clamp<int64_t>(answer->min_response_ms, 0, INT32_MAX));
    it.heard_ns = loop.now_ns();
    PublishBoard();
    if (held) PublishSnapshot();
  }

  void PublishSnapshot() {
    std::vector<SnapshotLine> lines;
    for (size_t i = 0; i < known.size(); ++i) {
      if (!known[i].any) continue;
      lines.push_back({.name = options.processors[i],
                       .failing = known[i].failing,
                       .min_response_ms = known[i].min_response_ms,
                       .age_ms = (loop.now_ns() - known[i].heard_ns) / base::kNanosPerMilli});
    }
    // If it fails, the next answer publishes again.
    lease.Publish(options.token, FormatSnapshot(lines), [](bool) {});
  }

  void PublishBoard() {
    const int64_t oldest = loop.now_ns() - options.believed_ms_max * base::kNanosPerMilli;
    for (size_t i = 0; i < known.size(); ++i) {
      const bool believed = known[i].any && known[i].heard_ns >= oldest;
      board.Publish(static_cast<payments::ProcessorId>(i),
                    {.known = believed,
                     .failing = believed && known[i].failing,
                     .min_response_ms = believed ? known[i].min_response_ms : 0});
    }
  }

  void Stop(std::function<void()> done) {
    stopping = true;
    renew_timer.Disarm();
    poll_timer.Disarm();
    held = false;
    lease.Release(options.token, [done = std::move(done)](bool) { done(); });
  }

  net::EventLoop& loop;
  const MonitorOptions options;
  ledger::LeaseStore& lease;
  upstream::HealthBoard& board;
  const Ask ask;
  std::vector<Known> known;
  base::Random random;
  net::Timer renew_timer;
  net::Timer poll_timer;
  base::Lifetime life;     // replies may outlive it
  base::Backoff failures;  // of renewals
  bool held = false;
  bool seen_snapshot = false;
  bool stopping = false;
};

Monitor::Monitor(net::EventLoop& loop, MonitorOptions options, ledger::LeaseStore& lease,
                 upstream::HealthBoard& board, Ask ask)
    : impl_(std::make_unique<Impl>(loop, std::move(options), lease, board, std::move(ask))) {}
Monitor::~Monitor() = default;
void Monitor::Start() { impl_->Renew(); }
void Monitor::OnAnswer(size_t processor, const std::optional<payments::ServiceHealth>& answer) {
  impl_->OnAnswer(processor, answer);
}
void Monitor::Stop(std::function<void()> done) { impl_->Stop(std::move(done)); }
bool Monitor::holds_lease() const { return impl_->held; }

}  // namespace tollgate::health

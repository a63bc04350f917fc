#include "app/worker.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace tollgate::app {
namespace {

constexpr int64_t kMaintenanceNs = 500 * base::kNanosPerMilli;
constexpr int64_t kLookNs = 10 * base::kNanosPerSecond;
// An adopted table is let go once everything in it is finished and has rested.
constexpr int64_t kRestedNs = 6 * base::kNanosPerSecond;

}  // namespace

Worker::Worker(Shared& shared, RunIdKeeper& run_ids, size_t index, size_t workers)
    : shared_(shared),
      run_ids_(run_ids),
      index_(index),
      metrics_(std::make_unique<metrics::ForwardMetrics>()),
      thread_(shared.clock, "worker-" + std::to_string(index)),
      adopted_metrics_(std::make_unique<metrics::ForwardMetrics>()) {
  net::EventLoop& loop = thread_.loop();
  forwarding_ = std::make_unique<Forwarding>(loop, shared, shared.queue,
                                             ForwardingOf(shared, workers, index), *metrics_);
  maintenance_ = std::make_unique<net::Timer>(loop, [this] { Maintain(); });
  loop.AddTurnHook([this] {
    forwarding_->Pump();
    for (const auto& it : adopted_) it->forwarding->Pump();
  });
  forward::Forwarder& forwarder = forwarding_->forwarder();
  forward::WorkRing& ring = *shared.queue.ring;
  loop.SetSleepGuard(&shared.sleepers.AddSeat(
      loop, [&forwarder, &ring] { return ring.SizeApprox() != 0 && forwarder.CouldTake(); }));
  shared.queue.table->AddCommitListener([&loop] { loop.WakeUp(); });
}

void Worker::Start() {
  next_look_ns_ = shared_.clock.MonotonicNanos();
  forwarding_->Start();
  maintenance_->ArmIn(kMaintenanceNs);
  thread_.Start();
}

void Worker::Maintain() {
  maintenance_->ArmIn(kMaintenanceNs);
  base::LogHeldBack();
  const std::string_view run_id = forwarding_->ToldRunId();
  if (!run_id.empty()) run_ids_.Told(index_, run_id);
  if (index_ != 0 || shared_.config.durability == table::Durability::kMemory) return;
  FinishAdopted();
  if (!draining_ && shared_.clock.MonotonicNanos() >= next_look_ns_) LookForOrphans();
}

// A table that nobody has locked twice in a row belongs to an instance that will not come back by
// itself: a restart takes less.
void Worker::LookForOrphans() {
  next_look_ns_ = shared_.clock.MonotonicNanos() + kLookNs;
  std::vector<std::string> unlocked;
  for (const std::string& path : table::ListTables(shared_.config.data_dir)) {
    if (!table::IsLocked(path)) unlocked.push_back(path);
  }
  for (const std::string& path : unlocked) {
    const bool before =
        std::find(unlocked_before_.begin(), unlocked_before_.end(), path) != unlocked_before_.end();
    if (!before) continue;
    auto opened = OpenQueue(TableOf(shared_.config, path), shared_.directory, shared_.clock);
    if (!opened.ok()) {
      if (opened.error().code == 0) base::LogWarning("adoption: " + opened.error().message);
      continue;
    }
    auto adopted = std::make_unique<Adopted>();
    adopted->queue = std::move(opened).value();
    base::LogInfo("adoption: " + path + " is nobody's; finishing its " +
                  std::to_string(adopted->queue.table->recovery().unfinished) + " payments");
    forward::ForwarderOptions options = ForwardingOf(shared_, 1, 0);
    options.tell_routing = nullptr;  // the workers' own say the same
    for (auto& processor : options.processors) {
      processor.in_flight_max = std::min<size_t>(processor.in_flight_max, 64);
    }
    adopted->forwarding = std::make_unique<Forwarding>(thread_.loop(), shared_, adopted->queue,
                                                       options, *adopted_metrics_);
    adopted->queue.table->AddCommitListener([&loop = thread_.loop()] { loop.WakeUp(); });
    adopted->queue.table->StartCommits();
    adopted->forwarding->Start();
    adopted_.push_back(std::move(adopted));
  }
  unlocked_before_ = std::move(unlocked);
}

void Worker::FinishAdopted() {
  const int64_t now = shared_.clock.MonotonicNanos();
  std::erase_if(adopted_, [&](const std::unique_ptr<Adopted>& it) {
    const bool idle = it->forwarding->forwarder().held() == 0 && it->queue.ring->SizeApprox() == 0;
    if (!idle) {
      it->idle_since_ns = 0;
      return false;
    }
    if (it->idle_since_ns == 0) it->idle_since_ns = now;
    if (now - it->idle_since_ns < kRestedNs || it->forwarding->ToldRunId().empty()) return false;
    const table::RecoveryReport& report = it->queue.table->recovery();
    base::LogInfo("adoption: " + it->queue.table->path() + " is finished" +
                  (report.damaged == 0 ? ""
                                       : "; it is kept for its " + std::to_string(report.damaged) +
                                             " damaged slots"));
    if (report.damaged == 0) ::unlink(it->queue.table->path().c_str());
    adopted_metrics_->ClearGauges();
    return true;
  });
}

bool Worker::Empty() {
  return thread_.Ask<bool>([this] {
    return forwarding_->forwarder().held() == 0 && shared_.queue.ring->SizeApprox() == 0;
  });
}

void Worker::BeginDrain() {
  thread_.loop().Post([this] {
    draining_ = true;
    forwarding_->forwarder().BeginDrain();
    for (const auto& it : adopted_) it->forwarding->forwarder().BeginDrain();
  });
}

bool Worker::Quiet() {
  return thread_.Ask<bool>([this] {
    return forwarding_->forwarder().quiet() &&
           std::all_of(adopted_.begin(), adopted_.end(),
                       [](const auto& it) { return it->forwarding->forwarder().quiet(); });
  });
}

forward::Routing Worker::Why() {
  return thread_.Ask<forward::Routing>([this] { return forwarding_->forwarder().Why(); });
}

}  // namespace tollgate::app

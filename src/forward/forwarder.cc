#include "tollgate/forward/forwarder.h"

#include <algorithm>
#include <limits>

#include "forward/forwarder_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

}  // namespace

Forwarder::Impl::Impl(const ForwarderOptions& options_in,
                      const payments::ProcessorDirectory& directory_in,
                      table::PaymentTable& table_in, WorkRing& ring_in, ledger::Ledger& ledger_in,
                      upstream::ProcessorClient& client_in, const upstream::HealthBoard& health_in,
                      const base::Clock& clock_in, metrics::ForwardMetrics& metrics_in)
    : options(options_in),
      directory(directory_in),
      table(table_in),
      ring(ring_in),
      ledger(ledger_in),
      client(client_in),
      clock(clock_in),
      metrics(metrics_in),
      owner(OwnerOf(table_in.identity())),
      reports(options, directory_in, table_in, metrics_in),
      pool(static_cast<uint32_t>(table_in.slot_count())),
      unresolved(pool, directory_in, reports, metrics_in),
      router(options, health_in, clock_in),
      routing_report(options, directory_in, router, reports),
      transitions({.options = options,
                   .directory = directory_in,
                   .clock = clock_in,
                   .now_ns = now_ns,
                   .table = table_in,
                   .pool = pool,
                   .router = router,
                   .routing_report = routing_report,
                   .unresolved = unresolved,
                   .reports = reports,
                   .metrics = metrics_in}),
      batches(metrics_in),
      owners(options_in.takeover_after_ms * base::kNanosPerMilli),
      replay(table_in, reports, options_in.index, options_in.forwarders),
      now_ns(clock_in.MonotonicNanos()) {
  TG_ASSERT(options.processors.size() == directory.configured_count());
  TG_ASSERT(ring.capacity() >= table.slot_count());
  claim_requests.reserve(payments::kLedgerBatchMax);
  record_requests.reserve(payments::kLedgerBatchMax);
  take_overs.reserve(kTakeOversMax);
  take_over_requests.reserve(kTakeOversMax);
}

void Forwarder::Impl::ReadHealth() {
  const Router::ProcessorSet changed = router.ReadHealth(now_ns);
  if (changed.none()) return;
  for (size_t i = 0; i < changed.size(); ++i) {
    if (!changed[i]) continue;
    const auto id = static_cast<payments::ProcessorId>(i);
    routing_report.ReportPassedOver(
        id, router.State(id).breaker_open() ? "its health says failing" : "its health says well");
  }
}

bool Forwarder::Impl::CheckClock(int64_t wall_ms) {
  const bool usable = payments::IsRequestedAt(wall_ms);
  if (usable == clock_usable) return usable;
  clock_usable = usable;
  if (options.index != 0) return usable;  // forwarder 0 reports for its instance
  if (usable) {
    reports.Info("the clock is right again: payments are sent");
  } else {
    reports.Problem(
        "the clock of this machine says " + std::to_string(wall_ms / 1000) +
        " s since 1970, which no payment can be sent with (2025 to 2059 can be): payments are "
        "taken and kept, and nothing new is sent until the clock is set right");
  }
  return usable;
}

void Forwarder::Impl::RunDue() {
  while (transitions.due().NextNs() <= now_ns) {
    const uint32_t entry = transitions.due().Pop();
    switch (pool[entry].phase) {
      case Phase::kReady:
        WaitForProcessor(entry);
        break;
      case Phase::kToClaim:
        pool.PushBack(pool[entry].claimed_before ? to_reclaim : to_claim, entry);
        break;
      case Phase::kLookupWait:
        StartLookup(entry);
        break;
      case Phase::kUnresolved:
        Recheck(entry);
        break;
      case Phase::kToRecord:
        transitions.WaitForRecord(entry);
        break;
      default:
        TG_ASSERT(false);
    }
  }
}

void Forwarder::Impl::Pump() {
  now_ns = clock.MonotonicNanos();
  if (fenced) return;
  ReadHealth();
  if (now_ns - clock_read_ns >= base::kNanosPerSecond) {
    clock_read_ns = now_ns;
    CheckClock(clock.WallMillis());
  }
  MoveCommitted();
  RunDue();
  router.ObserveTraffic(now_ns, ring.SizeApprox() / options.forwarders);
  if (!draining) TakeWork();
  FlushPosts();  // first, because it may move entries to to_reclaim
  FlushClaims();
  FlushRecords();
  metrics.held.Set(pool.in_use());
  router.PublishMetrics(metrics);
  unresolved.Publish(now_ns);
  routing_report.ReportRoute(now_ns);
}

bool Forwarder::Impl::CanTakeNew() const {
  if (draining || fenced || replay.active() || !ledger.can_claim() || !clock_usable) return false;
  // More than one batch of claims would only wait here instead of in the ring.
  return to_claim.size() + to_reclaim.size() < payments::kLedgerBatchMax;
}

bool Forwarder::Impl::CouldTake() const {
  return batches.ClaimCanLeave() && CanTakeNew() && router.ready().empty() &&
         router.AnyEligible(now_ns);
}

int64_t Forwarder::Impl::NextDeadlineNs() const {
  if (fenced) return kForever;
  int64_t next = transitions.due().NextNs();
  if (!draining) next = std::min(next, router.wait_until_ns());
  const bool waiting = !router.ready().empty() || !router.tried().empty() || ring.SizeApprox() != 0;
  if (!draining && waiting) next = std::min(next, router.NextProbeNs(now_ns));
  // No event reports that the clock was set right.
  if (!clock_usable) next = std::min(next, clock_read_ns + base::kNanosPerSecond + 1);
  if (!unresolved.empty())
    next = std::min(next, now_ns + base::kNanosPerSecond);  // to publish its age
  return next;
}

bool Forwarder::Impl::Quiet() const {
  for (uint32_t i = 0; i < pool.touched(); ++i) {
    switch (pool[i].phase) {
      case Phase::kFree:
      case Phase::kReady:
      case Phase::kToClaim:
      case Phase::kUnresolved:
        break;
      default:
        return false;
    }
  }
  return true;
}

Routing Forwarder::Impl::Why() const {
  Routing routing = routing_report.Why(now_ns);
  routing.claims = !fenced && !replay.active() && ledger.can_claim();
  return routing;
}

// --- The class itself

Forwarder::Forwarder(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
                     table::PaymentTable& table, WorkRing& ring, ledger::Ledger& ledger,
                     upstream::ProcessorClient& client, const upstream::HealthBoard& health,
                     const base::Clock& clock, metrics::ForwardMetrics& metrics)
    : impl_(std::make_unique<Impl>(options, directory, table, ring, ledger, client, health, clock,
                                   metrics)) {
  ledger.SetEvents(this);
  ledger.SetOwner(impl_->owner);
  client.SetEvents(this);
}

Forwarder::~Forwarder() = default;
void Forwarder::Pump() { impl_->Pump(); }
int64_t Forwarder::NextDeadlineNs() const { return impl_->NextDeadlineNs(); }
bool Forwarder::CouldTake() const { return impl_->CouldTake(); }
size_t Forwarder::held() const { return impl_->pool.in_use(); }
size_t Forwarder::stranded() const { return impl_->unresolved.stranded(); }
void Forwarder::BeginDrain() { impl_->draining = true; }
bool Forwarder::quiet() const { return impl_->Quiet(); }
bool Forwarder::replaying() const { return impl_->replay.active(); }
bool Forwarder::fenced() const { return impl_->fenced; }
Routing Forwarder::Why() const { return impl_->Why(); }

void Forwarder::OnClaimed(uint64_t batch, std::span<const ledger::ClaimReply> replies) {
  impl_->OnClaimed(BatchId::Unpack(batch), replies);
}
void Forwarder::OnRecorded(uint64_t batch, std::span<const ledger::RecordReply> replies) {
  impl_->OnRecorded(BatchId::Unpack(batch), replies);
}
void Forwarder::OnBatchFailed(uint64_t batch) { impl_->OnBatchFailed(BatchId::Unpack(batch)); }
void Forwarder::OnTailLost() { impl_->OnTailLost(); }
void Forwarder::OnLedgerState() {
  // The books take this opening for the newest. The pump checks everything else after every turn.
  if (impl_->ledger.ready()) impl_->table.MarkCurrent();
}
void Forwarder::OnNotNewest() { impl_->NotNewest(); }
void Forwarder::OnPosted(uint64_t cookie, const upstream::PostResult& result) {
  impl_->OnPosted(static_cast<uint32_t>(cookie), result);
}
void Forwarder::OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) {
  impl_->OnLookedUp(static_cast<uint32_t>(cookie), result);
}

}  // namespace tollgate::forward

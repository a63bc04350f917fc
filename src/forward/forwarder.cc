#include "tollgate/forward/forwarder.h"

#include <algorithm>
#include <limits>

#include "forward/ledger_batches.h"
#include "forward/owner_watch.h"
#include "forward/replay.h"
#include "forward/reports.h"
#include "forward/router.h"
#include "forward/routing_report.h"
#include "forward/transitions.h"
#include "forward/unresolved.h"
#include "tollgate/base/assert.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

}  // namespace

Forwarder::Forwarder(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
                     table::PaymentTable& table, WorkRing& ring, ledger::Ledger& ledger,
                     upstream::ProcessorClient& client, const upstream::HealthBoard& health,
                     const base::Clock& clock, metrics::ForwardMetrics& metrics)
    : options_(options),
      directory_(directory),
      table_(table),
      ring_(ring),
      ledger_(ledger),
      client_(client),
      clock_(clock),
      metrics_(metrics),
      owner_(OwnerOf(table.identity())),
      reports_(std::make_unique<Reports>(options_, directory, table, metrics)),
      pool_(static_cast<uint32_t>(table.slot_count())),
      unresolved_(std::make_unique<Unresolved>(pool_, directory, *reports_, metrics)),
      router_(std::make_unique<Router>(options_, health, clock)),
      routing_report_(std::make_unique<RoutingReport>(options_, directory, *router_, *reports_)),
      transitions_(std::make_unique<Transitions>(TransitionParts{.options = options_,
                                                                 .directory = directory,
                                                                 .clock = clock,
                                                                 .now_ns = now_ns_,
                                                                 .table = table,
                                                                 .pool = pool_,
                                                                 .router = *router_,
                                                                 .routing_report = *routing_report_,
                                                                 .unresolved = *unresolved_,
                                                                 .reports = *reports_,
                                                                 .metrics = metrics})),
      batches_(std::make_unique<LedgerBatches>(metrics)),
      owners_(std::make_unique<OwnerWatch>(options.takeover_after_ms * base::kNanosPerMilli)),
      replay_(std::make_unique<Replay>(table, *reports_, options.index, options.forwarders)),
      now_ns_(clock.MonotonicNanos()),
      recovered_left_(table.recovery().to_continue.size()) {
  TG_ASSERT(options_.processors.size() == directory_.configured_count());
  TG_ASSERT(ring_.capacity() >= table_.slot_count());
  claim_requests_.reserve(payments::kLedgerBatchMax);
  record_requests_.reserve(payments::kLedgerBatchMax);
  take_overs_.reserve(kTakeOversMax);
  take_over_requests_.reserve(kTakeOversMax);
  ledger_.SetEvents(this);
  ledger_.SetOwner(owner_);
  client_.SetEvents(this);
}

Forwarder::~Forwarder() = default;

ledger::Owner Forwarder::OwnerOf(const table::TableIdentity& identity) {
  return {.table = identity.table,
          .incarnation = identity.incarnation,
          .nonce = identity.nonce,
          .predecessors = identity.predecessors};
}

void Forwarder::ReadHealth() {
  const Router::ProcessorSet changed = router_->ReadHealth(now_ns_);
  if (changed.none()) return;
  for (size_t i = 0; i < changed.size(); ++i) {
    if (!changed[i]) continue;
    const auto id = static_cast<payments::ProcessorId>(i);
    routing_report_->ReportPassedOver(
        id, router_->State(id).breaker_open() ? "its health says failing" : "its health says well");
  }
}

bool Forwarder::CheckClock(int64_t wall_ms) {
  const bool usable = payments::IsRequestedAt(wall_ms);
  if (usable == clock_usable_) return usable;
  clock_usable_ = usable;
  if (options_.index != 0) return usable;  // forwarder 0 reports for its instance
  if (usable) {
    reports_->Info("the clock is right again: payments are sent");
  } else {
    reports_->Problem(
        "the clock of this machine says " + std::to_string(wall_ms / 1000) +
        " s since 1970, which no payment can be sent with (2025 to 2059 can be): payments are "
        "taken and kept, and nothing new is sent until the clock is set right");
  }
  return usable;
}

void Forwarder::RunDue() {
  while (transitions_->due().NextNs() <= now_ns_) {
    const EntryIndex entry = transitions_->due().Pop();
    switch (pool_[entry].phase) {
      case Phase::kReady:
        WaitForProcessor(entry);
        break;
      case Phase::kToClaim:
        pool_.PushBack(pool_[entry].claimed_before ? to_reclaim_ : to_claim_, entry);
        break;
      case Phase::kLookupWait:
        StartLookup(entry);
        break;
      case Phase::kUnresolved:
        Recheck(entry);
        break;
      case Phase::kToRecord:
        --refused_records_;
        transitions_->WaitForRecord(entry);
        break;
      default:
        TG_ASSERT(false);
    }
  }
}

void Forwarder::Pump() {
  now_ns_ = clock_.MonotonicNanos();
  if (fenced_) return;
  ReadHealth();
  if (now_ns_ - clock_read_ns_ >= base::kNanosPerSecond) {
    clock_read_ns_ = now_ns_;
    CheckClock(clock_.WallMillis());
  }
  MoveCommitted();
  RunDue();
  router_->ObserveTraffic(now_ns_, ring_.SizeApprox() / options_.forwarders);
  if (!draining_) TakeWork();
  FlushPosts();  // first, because it may move entries to to_reclaim_
  FlushClaims();
  FlushRecords();
  metrics_.held.Set(pool_.in_use());
  router_->PublishMetrics(metrics_);
  unresolved_->Publish(now_ns_);
  routing_report_->ReportRoute(now_ns_);
}

bool Forwarder::CanTakeNew() const {
  if (draining_ || fenced_ || replay_->active() || !ledger_.can_claim() || !clock_usable_)
    return false;
  // More than one batch of claims would only wait here instead of in the ring.
  return to_claim_.size() + to_reclaim_.size() < payments::kLedgerBatchMax;
}

size_t Forwarder::stranded() const { return unresolved_->stranded(); }
bool Forwarder::replaying() const { return replay_->active(); }

bool Forwarder::CouldTake() const {
  return batches_->ClaimCanLeave() && CanTakeNew() && router_->ready().empty() &&
         router_->AnyEligible(now_ns_);
}

int64_t Forwarder::NextDeadlineNs() const {
  if (fenced_) return kForever;
  int64_t next = transitions_->due().NextNs();
  if (!draining_) next = std::min(next, router_->wait_until_ns());
  const bool waiting =
      !router_->ready().empty() || !router_->tried().empty() || ring_.SizeApprox() != 0;
  if (!draining_ && waiting) next = std::min(next, router_->NextProbeNs(now_ns_));
  // No event reports that the clock was set right.
  if (!clock_usable_) next = std::min(next, clock_read_ns_ + base::kNanosPerSecond + 1);
  if (!unresolved_->empty())
    next = std::min(next, now_ns_ + base::kNanosPerSecond);  // to publish its age
  return next;
}

bool Forwarder::quiet() const {
  for (uint32_t i = 0; i < pool_.touched(); ++i) {
    switch (pool_[EntryIndex{i}].phase) {
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

Routing Forwarder::Why() const {
  Routing routing = routing_report_->Why(now_ns_);
  routing.claims = !fenced_ && !replay_->active() && ledger_.can_claim();
  return routing;
}

void Forwarder::OnLedgerState() {
  // The books take this opening for the newest. The pump checks everything else after every turn.
  if (ledger_.ready()) table_.MarkCurrent();
}

}  // namespace tollgate::forward

#include "tollgate/forward/forwarder.h"

#include <algorithm>
#include <limits>

#include "forward/forwarder_impl.h"
#include "tollgate/base/assert.h"

namespace tollgate::forward {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

int64_t LeastFee(const std::vector<upstream::ProcessorOptions>& processors) {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const auto& processor : processors) least = std::min(least, processor.fee_ppm);
  return least;
}

// This forwarder's part of an instance-wide limit; the remainder goes to the first.
uint32_t PartOf(size_t limit, const ForwarderOptions& options) {
  const size_t part = limit / options.forwarders + (options.index < limit % options.forwarders);
  return static_cast<uint32_t>(std::max<size_t>(part, 1));
}

// What one of so many instances may have in flight at a processor.
size_t FleetPart(const ForwarderOptions& options, size_t processor, uint32_t instances) {
  return std::min(options.processors[processor].in_flight_max,
                  std::max<size_t>(1, options.fleet_in_flight_max / instances));
}

std::vector<ProcessorState> StatesOf(const ForwarderOptions& options) {
  std::vector<ProcessorState> states;
  for (size_t id = 0; id < options.processors.size(); ++id) {
    const auto& processor = options.processors[id];
    states.emplace_back(
        ProcessorStateOptions{.id = static_cast<payments::ProcessorId>(id),
                              .fee_ppm = processor.fee_ppm,
                              .in_flight_max = PartOf(FleetPart(options, id, 1), options),
                              .unresolved_max = static_cast<uint32_t>(options.unresolved_max),
                              .breaker_failures = options.breaker_failures,
                              .probe_interval_ns = options.probe_interval_ms * base::kNanosPerMilli,
                              .outage_expected_ms = options.outage_expected_ms});
  }
  return states;
}

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
      health(health_in),
      clock(clock_in),
      metrics(metrics_in),
      owner(OwnerOf(table_in.identity())),
      least_fee_ppm(LeastFee(options_in.processors)),
      reports(options, directory_in, table_in, metrics_in),
      pool(static_cast<uint32_t>(table_in.slot_count())),
      unresolved(pool, directory_in, reports, metrics_in),
      states(StatesOf(options_in)),
      batches(metrics_in),
      owners(options_in.takeover_after_ms * base::kNanosPerMilli),
      replay(table_in, reports, options_in.index, options_in.forwarders),
      random(options_in.seed),
      now_ns(clock_in.MonotonicNanos()) {
  TG_ASSERT(options.processors.size() == directory.configured_count());
  TG_ASSERT(ring.capacity() >= table.slot_count());
  claim_requests.reserve(payments::kLedgerBatchMax);
  record_requests.reserve(payments::kLedgerBatchMax);
  take_overs.reserve(kTakeOversMax);
  take_over_requests.reserve(kTakeOversMax);
}

void Forwarder::Impl::TellRouting(payments::ProcessorId id, std::string_view why) {
  const bool passed_over = states[id].passed_over();
  if (told_passed_over[id] == passed_over) return;
  told_passed_over[id] = passed_over;
  if (options.tell_routing) options.tell_routing(id, passed_over, why);
}

void Forwarder::Impl::ReadHealth() {
  const uint32_t instances = health.instances();
  if (instances != fleet) {
    fleet = instances;
    for (size_t i = 0; i < states.size(); ++i) {
      states[i].SetMax(PartOf(FleetPart(options, i, fleet), options));
    }
  }
  for (size_t i = 0; i < states.size(); ++i) {
    const auto id = static_cast<payments::ProcessorId>(i);
    if (!states[i].OnHealth(health.Read(id), now_ns)) continue;
    TellRouting(id, states[i].breaker_open() ? "its health says failing" : "its health says well");
  }
}

bool Forwarder::Impl::LookAtClock(int64_t wall_ms) {
  const bool usable = payments::IsRequestedAt(wall_ms);
  if (usable == clock_usable) return usable;
  clock_usable = usable;
  if (options.index != 0) return usable;  // one says it for all of its instance
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
  while (due.NextNs() <= now_ns) {
    const uint32_t entry = due.Pop();
    switch (pool[entry].phase) {
      case Phase::kReady:
        PushReady(entry);
        break;
      case Phase::kToClaim:
        pool.PushBack(pool[entry].told ? told : to_claim, entry);
        break;
      case Phase::kLookupWait:
        StartLookup(entry);
        break;
      case Phase::kUnresolved:
        LookAgain(entry);
        break;
      case Phase::kToRecord:
        pool.PushBack(to_record, entry);
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
    LookAtClock(clock.WallMillis());
  }
  MoveCommitted();
  RunDue();
  traffic.Observe(now_ns, ring.SizeApprox() / options.forwarders);
  if (!draining) TakeWork();
  FlushPosts();  // first, as it may find that a claim has to be asked for again
  FlushClaims();
  FlushRecords();
  PublishMetrics();
  TellRoute();
}

void Forwarder::Impl::PublishMetrics() {
  metrics.held.Set(pool.in_use());
  for (size_t i = 0; i < states.size(); ++i) {
    metrics::ProcessorMetrics& out = metrics.processors[i];
    out.in_flight.Set(states[i].in_flight());
    out.unresolved.Set(states[i].unresolved());
    out.breaker_open.Set(states[i].breaker_open() ? 1 : 0);
    out.in_flight_cap.Set(states[i].cap());
  }
  unresolved.Publish(now_ns);
}

bool Forwarder::Impl::AnyEligible() const {
  return std::any_of(states.begin(), states.end(), [this](const ProcessorState& state) {
    const Standing standing = state.View(now_ns, Waiting()).standing;
    return standing == Standing::kOpenForAll || standing == Standing::kProbeDue;
  });
}

bool Forwarder::Impl::CanTakeNew() const {
  if (draining || fenced || replay.active() || !ledger.can_claim() || !clock_usable) return false;
  // More than can be claimed at once would only wait here instead of in the ring.
  return to_claim.size() + told.size() < payments::kLedgerBatchMax;
}

bool Forwarder::Impl::CouldTake() const {
  return batches.ClaimCanLeave() && CanTakeNew() && ready.empty() && AnyEligible();
}

int64_t Forwarder::Impl::NextDeadlineNs() const {
  if (fenced) return kForever;
  int64_t next = due.NextNs();
  if (!draining) next = std::min(next, wait_until_ns);
  if (!draining && (!ready.empty() || !tried.empty() || ring.SizeApprox() != 0)) {
    for (const ProcessorState& state : states) {
      // A probe that is due was declined: then it is wait_until_ns that says when to look again.
      const int64_t probe_ns = state.next_probe_ns();
      if (state.breaker_open() && probe_ns > now_ns) next = std::min(next, probe_ns);
    }
  }
  // The clock is set right without an event.
  if (!clock_usable) next = std::min(next, clock_read_ns + base::kNanosPerSecond + 1);
  if (!unresolved.empty()) next = std::min(next, now_ns + base::kNanosPerSecond);  // its age
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

// For a payment that has just come.
Moment Forwarder::Impl::MomentNow() const {
  const int64_t wall_ms = clock.WallMillis();
  return {.now_ms = now_ns / base::kNanosPerMilli,
          .wall_ms = wall_ms,
          .waiting = Waiting(),
          .arrivals_per_s = traffic.per_s(),
          .quiet = traffic.Quiet(now_ns),
          .left_ms = options.cutoff.LeftMs(wall_ms)};
}

void Forwarder::Impl::SetStatus(const Held& held, table::SlotState state) {
  Step();
  table.SetStatus(held.slot, {.state = state,
                              .pinned = held.pinned || held.in_doubt,
                              .reason = static_cast<table::RejectReason>(held.reject_reason),
                              .processor = held.processor,
                              .attempt = held.attempt,
                              .requested_at_ms = held.requested_at_ms});
}

void Forwarder::Impl::SetDue(uint32_t entry, Phase phase, int64_t delay_ms) {
  pool[entry].phase = phase;
  due.Push(now_ns + delay_ms * base::kNanosPerMilli, entry);
}

int64_t Forwarder::Impl::BackoffMs(uint8_t count, int64_t min_ms, int64_t max_ms) {
  const int64_t whole = std::min(max_ms, min_ms << std::min<uint8_t>(count, 16));
  // Half fixed, half random, so that payments refused together do not come back together.
  return whole / 2 + static_cast<int64_t>(random.Below(static_cast<uint64_t>(whole / 2 + 1)));
}

// --- The class itself.

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
bool Forwarder::retelling() const { return impl_->replay.active(); }
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
  // Greeted as the newest opening. Anything else is looked at by the pump after every turn.
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

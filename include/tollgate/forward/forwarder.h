// Forwarder: takes payments from the ring to the books. The state machine alone: no curl, no
// hiredis, no epoll, no clock of its own, so that the simulation can crash it between any two
// state changes.
//
// For attempt n the order is: slot kClaimed(n), the claim in the ledger, slot kSent(n), (disk
// durability: its group commit), the POST. Outcomes are those of docs/ARCHITECTURE.md.
//
// Thread: one worker's. Several forwarders may share a table and a ring; a slot popped from the
// ring belongs to the forwarder that popped it until it is released.
// Owns: nothing but its own bookkeeping, all allocated in the constructor.
// Invariants: no payment is in flight at two processors; a pinned payment goes only to its own
// processor with its own requestedAt; nothing is posted without a claim that the ledger confirmed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/base/clock.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/forward/cutoff.h"
#include "tollgate/forward/explain.h"
#include "tollgate/forward/policy.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/payment_table.h"
#include "tollgate/upstream/health_board.h"
#include "tollgate/upstream/processor_client.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::metrics {
struct ForwardMetrics;
}

namespace tollgate::forward {

using WorkRing = base::MpmcRing<uint32_t>;  // slot numbers

struct ForwarderOptions {
  std::vector<upstream::ProcessorOptions> processors;  // index is the ProcessorId
  PolicyOptions policy;
  ChooseFunction choose = &Choose;  // the schedule simulator compares others
  // This forwarder's part of each processor's in_flight_max is in_flight_max / forwarders (the
  // remainder goes to the first).
  size_t forwarders = 1;
  size_t index = 0;
  size_t unresolved_max = 2048;       // per processor and forwarder
  int64_t retry_backoff_ms_min = 20;  // doubles per refusal, with jitter
  int64_t retry_backoff_ms_max = 2'000;
  int64_t unresolved_backoff_ms_min = 100;
  int64_t unresolved_backoff_ms_max = 5'000;
  int64_t probe_interval_ms = 250;      // of an open breaker
  uint32_t breaker_failures = 3;        // consecutive, that open it
  int64_t outage_expected_ms = 20'000;  // before any was seen
  Cutoff cutoff;
  // An owner whose number on the books stands still for as long is silent (forward/owner_watch.h):
  // its claims are taken over where clients repeat them.
  int64_t takeover_after_ms = 30'000;
  // Of the table's slots, so many at most keep repeats of what other instances have; above that a
  // repeat is left to its owner, if that one is alive.
  size_t kept_repeats_percent = 25;
  // How long the books know a booked id, at least.
  int64_t dedup_window_ms = 24 * 3600 * 1000;
  // Per processor, over all live instances (upstream::HealthBoard says how many): a processor's
  // in_flight_max holds as far as this allows.
  size_t fleet_in_flight_max = 800;
  uint64_t seed = 1;  // of the jitter
  // This forwarder passes a processor over now, or uses it again, and why. Off the hot path.
  std::function<void(payments::ProcessorId, bool passed_over, std::string_view why)> report_routing;
  // One line for people per problem. Off the hot path.
  std::function<void(bool problem, std::string_view text)> report;
  // Called before every change of a slot and every call to the ledger and the client: where the
  // simulation pulls the plug. Empty in the daemon.
  std::function<void()> on_step;
};

class Forwarder final : public ledger::LedgerEvents, public upstream::ProcessorEvents {
 public:
  // All references outlive it. `metrics` is this forwarder's own.
  Forwarder(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
            table::PaymentTable& table, WorkRing& ring, ledger::Ledger& ledger,
            upstream::ProcessorClient& client, const upstream::HealthBoard& health,
            const base::Clock& clock, metrics::ForwardMetrics& metrics);
  ~Forwarder() override;

  // Does all that can be done now: pops, claims, posts, records. Called once at the end of each
  // turn of the loop, after all events.
  void Pump();
  // Monotonic nanoseconds by which Pump wants to be called although no event came; INT64_MAX: none.
  int64_t NextDeadlineNs() const;
  // Could Pump take something from the ring right now? For WaiterList::Waiter.
  bool CouldTake() const;
  // Payments that it has taken from the ring and not yet released.
  size_t held() const;
  // Of these, those that may have been sent to a processor which is not configured, or not as what
  // it was then: they are only looked up.
  size_t stranded() const;
  // Takes nothing more from the ring, starts no further attempts; what is in flight ends, what is
  // booked is recorded.
  void BeginDrain();
  // Nothing is in flight and nothing waits to be recorded.
  bool quiet() const;
  // Still tells the ledger again what it may have lost.
  bool replaying() const;
  // The ledger knows a newer opening of this table, and has known this one as the newest: nothing
  // is sent any more, and the table takes nothing.
  bool fenced() const;

  // Why each processor is or is not chosen now, for the log and for people. Thread: the worker's.
  Routing Why() const;

  void OnClaimed(uint64_t batch, std::span<const ledger::ClaimReply> replies) override;
  void OnRecorded(uint64_t batch, std::span<const ledger::RecordReply> replies) override;
  void OnBatchFailed(uint64_t batch) override;
  void OnTailLost() override;
  void OnLedgerState() override;
  void OnNotNewest() override;
  void OnPosted(uint64_t cookie, const upstream::PostResult& result) override;
  void OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::forward

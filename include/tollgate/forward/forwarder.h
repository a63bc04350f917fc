// Forwarder: the state machine that takes payments from the ring to the books. It uses no curl,
// hiredis or epoll and has no clock of its own, so the simulation can crash it between any two
// changes of state.
//
// For attempt n the order is: slot kClaimed(n), the claim in the ledger, slot kSent(n), its group
// commit (disk durability), the POST. docs/ARCHITECTURE.md lists the outcomes.
//
// Thread: one worker's. Several forwarders may share a table and a ring. A slot belongs to the
// forwarder that popped it until it is released.
// Owns: only its own records, all allocated in the constructor.
// Invariants: no payment is in flight at two processors. A pinned payment goes only to its own
// processor, with its own requestedAt. Nothing is posted without a claim that the ledger confirmed.
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

using WorkRing = base::MpmcRing<table::SlotIndex>;

struct ForwarderOptions {
  std::vector<upstream::ProcessorOptions> processors;  // index is the ProcessorId
  PolicyOptions policy;
  ChooseFunction choose = &Choose;  // the schedule simulator compares other functions
  // This forwarder's part of each processor's in_flight_max is in_flight_max / forwarders. The
  // remainder goes to the first one.
  size_t forwarders = 1;
  size_t index = 0;
  size_t unresolved_max = 2048;         // per processor and forwarder
  int64_t probe_interval_ms = 250;      // of an open breaker
  uint32_t breaker_failures = 3;        // consecutive failures that open it
  int64_t outage_expected_ms = 20'000;  // before any outage was seen
  Cutoff cutoff;
  // An owner whose number on the books has not changed for this long is silent
  // (forward/owner_watch.h). Its claims are taken over when clients repeat the payments.
  int64_t takeover_after_ms = 30'000;
  // At most this share of the table's slots keeps repeats of payments that other instances have.
  // Above it, a repeat is left to its owner if that one is alive.
  size_t kept_repeats_percent = 25;
  // The books know a booked id for at least this long.
  int64_t dedup_window_ms = 24 * 3600 * 1000;
  // Per processor over all live instances (upstream::HealthBoard counts them). It also bounds a
  // processor's in_flight_max.
  size_t fleet_in_flight_max = 800;
  uint64_t seed = 1;  // of the jitter
  // Called when this forwarder starts or stops passing a processor over, with the reason. Not on
  // the hot path.
  std::function<void(payments::ProcessorId, bool passed_over, std::string_view why)> report_routing;
  // Called with one line for people per problem. Not on the hot path.
  std::function<void(bool problem, std::string_view text)> report;
  // Called before every change of a slot and every call to the ledger and the client. The
  // simulation crashes the process there. Empty in the daemon.
  std::function<void()> on_step;
};

class Forwarder final : public ledger::LedgerEvents, public upstream::ProcessorEvents {
 public:
  // All references outlive the forwarder. `metrics` is only this forwarder's.
  Forwarder(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
            table::PaymentTable& table, WorkRing& ring, ledger::Ledger& ledger,
            upstream::ProcessorClient& client, const upstream::HealthBoard& health,
            const base::Clock& clock, metrics::ForwardMetrics& metrics);
  ~Forwarder() override;

  // Does all that can be done now: pops, claims, posts, records. Call it once at the end of each
  // turn of the loop, after all events.
  void Pump();
  // Monotonic nanoseconds at which Pump must run even without an event. INT64_MAX: none.
  int64_t NextDeadlineNs() const;
  // True if Pump could take a payment from the ring now. For WaiterList::Waiter.
  bool CouldTake() const;
  // Payments that it has taken from the ring and not released yet.
  size_t held() const;
  // Those of held() that may have been sent to a processor that is not configured, or whose
  // identity has changed. They are only looked up.
  size_t stranded() const;
  // Takes nothing more from the ring and starts no further attempts. What is in flight is
  // completed, and what is booked is recorded.
  void BeginDrain();
  // True if nothing is in flight and nothing waits to be recorded.
  bool quiet() const;
  // True while it replays to the ledger what the ledger may have lost.
  bool replaying() const;
  // True if this opening was the newest and the ledger now knows a newer one. Nothing is sent any
  // more, and the table accepts nothing.
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

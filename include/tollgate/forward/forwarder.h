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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tollgate/base/clock.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/forward/attempt_pool.h"
#include "tollgate/forward/cutoff.h"
#include "tollgate/forward/entry_index.h"
#include "tollgate/forward/explain.h"
#include "tollgate/forward/policy.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/ledger/record_barrier.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/payment_table.h"
#include "tollgate/upstream/health_board.h"
#include "tollgate/upstream/processor_client.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::metrics {
struct ForwardMetrics;
}

namespace tollgate::forward {

// The parts of a forwarder (src/forward): Transitions owns the states of payments, Router the
// choice of a processor, LedgerBatches and Replay the calls to the ledger, Unresolved the unknown
// outcomes, OwnerWatch what is known of other owners. Reports and RoutingReport write the lines for
// operators.
class DueHeap;
class LedgerBatches;
class OwnerWatch;
class Replay;
class Reports;
class Router;
class RoutingReport;
class Transitions;
class Unresolved;
enum class OwnerLife : uint8_t;

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

// It decides what an event means for a payment, and lets its parts act. forwarder.cc has the pump,
// claiming.cc the way to a granted claim, takeover.cc the claims of other owners, outcomes.cc what
// answers lead to, recording.cc the records.
// Members: half are references to what it works with, the rest are its parts and their queues; each
// part owns its own data.
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
  size_t held() const { return pool_.in_use(); }
  // Those of held() that may have been sent to a processor that is not configured, or whose
  // identity has changed. They are only looked up.
  size_t stranded() const;
  // Takes nothing more from the ring and starts no further attempts. What is in flight is
  // completed, and what is booked is recorded.
  void BeginDrain() { draining_ = true; }
  // True if nothing is in flight and nothing waits to be recorded.
  bool quiet() const;
  // True while it replays to the ledger what the ledger may have lost.
  bool replaying() const;
  // A summary is asked for. What processors have confirmed so far is recorded; what they confirm
  // from now on is recorded after ReleaseRecords. Call it after all events of a turn and before
  // Pump.
  void HoldRecords();
  void ReleaseRecords();
  // What has become of that which was confirmed before HoldRecords. REQUIRES: records are held.
  ledger::HeldRecords records() const;
  // True if this opening was the newest and the ledger now knows a newer one. Nothing is sent any
  // more, and the table accepts nothing.
  bool fenced() const { return fenced_; }

  // Why each processor is or is not chosen now, for the log and for people. Thread: the worker's.
  Routing Why() const;

  void OnClaimed(uint64_t call, std::span<const ledger::ClaimReply> replies) override;
  void OnRecorded(uint64_t call, std::span<const ledger::RecordReply> replies) override;
  void OnBatchFailed(uint64_t call) override;
  void OnTailLost() override;
  void OnLedgerState() override;
  void OnNotNewest() override;
  void OnPosted(uint64_t cookie, const upstream::PostResult& result) override;
  void OnLookedUp(uint64_t cookie, const upstream::LookupResult& result) override;

 private:
  // --- forwarder.cc: the pump
  static ledger::Owner OwnerOf(const table::TableIdentity& identity);
  void ReadHealth();
  // True if that time can be a requestedAt. Reports when this changes.
  bool CheckClock(int64_t wall_ms);
  void RunDue();
  void Step() const {
    if (options_.on_step) options_.on_step();
  }
  bool CanTakeNew() const;

  // --- claiming.cc: from the ring to a granted claim, and the POST
  void TakeWork();
  bool TakeOne();
  void Admit(table::SlotIndex slot);
  int64_t AcceptedNs(table::SlotIndex slot) const;
  // Adds it to those that wait for a processor.
  void WaitForProcessor(EntryIndex entry);
  // Routes the oldest of them to its claim; false: it must wait, or there is none.
  bool RouteFirstOf(DueHeap& waiting);
  // False: it must wait.
  bool Route(EntryIndex entry);
  void FlushClaims();
  ledger::ClaimRequest RequestOf(const Attempt& attempt) const;
  void OnGranted(EntryIndex entry, const ledger::ClaimReply& reply, bool in_doubt);
  void OnNotGranted(EntryIndex entry, const ledger::ClaimReply& reply);
  void OnContradicted(EntryIndex entry, const ledger::ClaimReply& reply);
  void OnClaimUndecided(EntryIndex entry);

  // --- takeover.cc: claims that another owner holds
  // `entry` holds a client's repeat, and has sent nothing.
  void OnHeldElsewhere(EntryIndex entry, const ledger::ClaimReply& reply);
  void ForgetKept(EntryIndex entry);
  // `entry` may have been sent, with the same processor and time as the other owner's claim.
  void OnHeldAtSamePlace(EntryIndex entry, const ledger::ClaimReply& reply);
  bool IsSameProcessor(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsSamePlace(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsHeldHere(const payments::Uuid& id, const ledger::Holder& holder) const;
  OwnerLife LifeOf(const payments::Uuid& id, const ledger::Holder& holder);
  // `counted`: it is already counted as unresolved at that processor.
  bool MayTakeOver(const ledger::ClaimReply& reply, bool counted) const;
  void TakeOverSoon(EntryIndex entry, const ledger::ClaimReply& reply);
  void FlushTakeOvers();

  // Another owner has, or had, its claim: it is never sent again, only looked up.
  static bool OtherHasClaim(const Attempt& attempt) {
    return attempt.other_has_claim || attempt.reject_reason == payments::RejectReason::kElsewhere;
  }
  bool MayBeSentAgain(const Attempt& attempt) const;
  bool SameName(payments::ProcessorId a, payments::ProcessorId b) const;
  void Reclaim(EntryIndex entry);
  void MoveCommitted();
  void FlushPosts();

  // --- outcomes.cc: what a processor's answer leads to
  // A copy of a pinned payment may already have been sent; of an unpinned one only this attempt.
  void OnPinnedPosted(EntryIndex entry, const upstream::PostResult& result);
  void OnUnpinnedPosted(EntryIndex entry, const upstream::PostResult& result);
  void NoteAnswer(payments::ProcessorId id, const upstream::PostResult& result);
  void OnFound(EntryIndex entry, const upstream::LookupResult& result);
  bool CanBeOurs(EntryIndex entry, const upstream::LookupResult& result);
  void StartLookup(EntryIndex entry);
  void Recheck(EntryIndex entry);

  // --- recording.cc: onto the books and off the table
  void FlushRecords();
  uint32_t RecordsDue() const;
  void RecordLater(EntryIndex entry);
  void Fence();

  static constexpr size_t kTakeOversMax = 64;
  static_assert(kTakeOversMax <= payments::kLedgerBatchMax);

  const ForwarderOptions options_;
  const payments::ProcessorDirectory& directory_;
  table::PaymentTable& table_;
  WorkRing& ring_;
  ledger::Ledger& ledger_;
  upstream::ProcessorClient& client_;
  const base::Clock& clock_;
  metrics::ForwardMetrics& metrics_;
  ledger::Owner owner_;  // changes when the table takes a new identity
  const std::unique_ptr<const Reports> reports_;

  AttemptPool pool_;
  AttemptList to_reclaim_;  // claims to repeat: made before a restart or a lost tail
  AttemptList to_claim_;    // new claims
  AttemptList to_post_;
  const std::unique_ptr<Unresolved> unresolved_;
  const std::unique_ptr<Router> router_;
  const std::unique_ptr<RoutingReport> routing_report_;
  const std::unique_ptr<Transitions> transitions_;
  const std::unique_ptr<LedgerBatches> batches_;
  std::vector<ledger::ClaimRequest> claim_requests_;
  std::vector<ledger::RecordRequest> record_requests_;
  const std::unique_ptr<OwnerWatch> owners_;
  // Take-overs that wait for room in a batch.
  struct TakeOver {
    EntryIndex entry;
    uint16_t attempt;
    ledger::Holder holder;
  };
  std::vector<TakeOver> take_overs_;
  std::vector<ledger::TakeOverRequest> take_over_requests_;
  const std::unique_ptr<Replay> replay_;
  // Repeats of payments that another owner has.
  std::unordered_map<payments::Uuid, EntryIndex> kept_;
  int64_t now_ns_ = 0;
  uint32_t tails_ = 0;  // how many tails the ledger has lost
  int64_t clock_read_ns_ = 0;
  bool clock_usable_ = true;
  // Records that the books have refused, and that wait to be repeated.
  uint32_t refused_records_ = 0;
  // Of the payments that were in the table when it was opened, those that may still be in the ring.
  size_t recovered_left_;
  // While records are held: how many of those that wait are still to be recorded. Empty: not held.
  std::optional<uint32_t> records_due_;
  bool records_lacking_ = false;  // some of what was confirmed before the hold waits elsewhere
  bool draining_ = false;
  bool fenced_ = false;
};

}  // namespace tollgate::forward

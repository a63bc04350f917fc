// Forwarder::Impl: decides what an event means for a payment, and lets its parts act. forwarder.cc
// has the pump, claiming.cc the way to a granted claim, takeover.cc the claims of other owners,
// outcomes.cc what answers lead to, recording.cc the records.
//
// The parts own their data: Transitions the states of payments, Router the choice of a processor,
// LedgerBatches and Replay the calls to the ledger, Unresolved the unknown outcomes, OwnerWatch
// what is known of other owners. Reports and RoutingReport write the lines for operators.
//
// Thread: one worker's.
// Owns: its parts, the attempts, their queues for claims and posts, the kept repeats and the
// waiting take-overs.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "forward/attempt_pool.h"
#include "forward/ledger_batches.h"
#include "forward/owner_watch.h"
#include "forward/replay.h"
#include "forward/reports.h"
#include "forward/router.h"
#include "forward/routing_report.h"
#include "forward/transitions.h"
#include "forward/unresolved.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

inline ledger::Owner OwnerOf(const table::TableIdentity& identity) {
  return {.table = identity.table,
          .incarnation = identity.incarnation,
          .nonce = identity.nonce,
          .predecessors = identity.predecessors};
}

// Members: half are references to what it works with, the rest are its parts and their queues; each
// part owns its own data.
struct Forwarder::Impl {
  Impl(const ForwarderOptions& options_in, const payments::ProcessorDirectory& directory_in,
       table::PaymentTable& table_in, WorkRing& ring_in, ledger::Ledger& ledger_in,
       upstream::ProcessorClient& client_in, const upstream::HealthBoard& health_in,
       const base::Clock& clock_in, metrics::ForwardMetrics& metrics_in);

  // --- forwarder.cc: the pump
  void Pump();
  void ReadHealth();
  // True if that time can be a requestedAt. Reports when this changes.
  bool CheckClock(int64_t wall_ms);
  void RunDue();
  void Step() const {
    if (options.on_step) options.on_step();
  }
  int64_t NextDeadlineNs() const;
  bool CanTakeNew() const;
  bool CouldTake() const;
  bool Quiet() const;
  Routing Why() const;

  // --- claiming.cc: from the ring to a granted claim, and the POST
  void TakeWork();
  bool TakeOne();
  void Admit(table::SlotIndex slot);
  int64_t AcceptedNs(table::SlotIndex slot) const;
  // Adds it to those that wait for a processor.
  void WaitForProcessor(uint32_t entry);
  // Routes the oldest of them to its claim; false: it must wait, or there is none.
  bool RouteFirstOf(DueHeap& waiting);
  // False: it must wait.
  bool Route(uint32_t entry);
  void FlushClaims();
  ledger::ClaimRequest RequestOf(const Attempt& attempt) const;
  void OnClaimed(BatchId id, std::span<const ledger::ClaimReply> replies);
  void OnGranted(uint32_t entry, const ledger::ClaimReply& reply, bool in_doubt);
  void OnNotGranted(uint32_t entry, const ledger::ClaimReply& reply);
  void OnContradicted(uint32_t entry, const ledger::ClaimReply& reply);
  void OnClaimUndecided(uint32_t entry);

  // --- takeover.cc: claims that another owner holds
  // `entry` holds a client's repeat, and has sent nothing.
  void OnHeldElsewhere(uint32_t entry, const ledger::ClaimReply& reply);
  void ForgetKept(uint32_t entry);
  // `entry` may have been sent, with the same processor and time as the other owner's claim.
  void OnHeldAtSamePlace(uint32_t entry, const ledger::ClaimReply& reply);
  bool IsSameProcessor(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsSamePlace(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsHeldHere(const payments::Uuid& id, const ledger::Holder& holder) const;
  OwnerLife LifeOf(const payments::Uuid& id, const ledger::Holder& holder);
  // `counted`: it is already counted as unresolved at that processor.
  bool MayTakeOver(const ledger::ClaimReply& reply, bool counted) const;
  void TakeOverSoon(uint32_t entry, const ledger::ClaimReply& reply);
  void FlushTakeOvers();
  void OnTailLost();

  // Another owner has, or had, its claim: it is never sent again, only looked up.
  static bool OtherHasClaim(const Attempt& attempt) {
    return attempt.other_has_claim || attempt.reject_reason == payments::RejectReason::kElsewhere;
  }
  bool MayBeSentAgain(const Attempt& attempt) const;
  bool SameName(payments::ProcessorId a, payments::ProcessorId b) const;
  void Reclaim(uint32_t entry);
  void MoveCommitted();
  void FlushPosts();

  // --- outcomes.cc: what a processor's answer leads to
  void OnPosted(uint32_t entry, const upstream::PostResult& result);
  // A copy of a pinned payment may already have been sent; of an unpinned one only this attempt.
  void OnPinnedPosted(uint32_t entry, const upstream::PostResult& result);
  void OnUnpinnedPosted(uint32_t entry, const upstream::PostResult& result);
  void NoteAnswer(payments::ProcessorId id, const upstream::PostResult& result);
  void OnLookedUp(uint32_t entry, const upstream::LookupResult& result);
  void OnFound(uint32_t entry, const upstream::LookupResult& result);
  bool CanBeOurs(uint32_t entry, const upstream::LookupResult& result);
  void StartLookup(uint32_t entry);
  void Recheck(uint32_t entry);

  // --- recording.cc: onto the books and off the table
  void FlushRecords();
  void OnRecorded(BatchId id, std::span<const ledger::RecordReply> replies);
  void OnBatchFailed(BatchId id);
  void RecordLater(uint32_t entry);
  void NotNewest();
  void Fence();

  // --- small helpers
  // False for a processor that only the table knows, or whose identity has changed.
  bool Configured(payments::ProcessorId id) const { return router.Configured(id); }

  static constexpr size_t kTakeOversMax = 64;
  static_assert(kTakeOversMax <= payments::kLedgerBatchMax);

  const ForwarderOptions options;
  const payments::ProcessorDirectory& directory;
  table::PaymentTable& table;
  WorkRing& ring;
  ledger::Ledger& ledger;
  upstream::ProcessorClient& client;
  const base::Clock& clock;
  metrics::ForwardMetrics& metrics;
  ledger::Owner owner;  // changes when the table takes a new identity
  const Reports reports;

  AttemptPool pool;
  AttemptList to_reclaim;  // claims to repeat: made before a restart or a lost tail
  AttemptList to_claim;    // new claims
  AttemptList to_post;
  Unresolved unresolved;
  Router router;
  RoutingReport routing_report;
  Transitions transitions;
  LedgerBatches batches;
  std::vector<ledger::ClaimRequest> claim_requests;
  std::vector<ledger::RecordRequest> record_requests;
  OwnerWatch owners;
  // Take-overs that wait for room in a batch.
  struct TakeOver {
    uint32_t entry;
    uint16_t attempt;
    ledger::Holder holder;
  };
  std::vector<TakeOver> take_overs;
  std::vector<ledger::TakeOverRequest> take_over_requests;
  Replay replay;
  std::unordered_map<payments::Uuid, uint32_t> kept;  // repeats of payments that another owner has
  int64_t now_ns = 0;
  uint32_t tails = 0;  // how many tails the ledger has lost
  int64_t clock_read_ns = 0;
  bool clock_usable = true;
  bool draining = false;
  bool fenced = false;
};

}  // namespace tollgate::forward

// The forwarding state machine behind Forwarder. forwarder.cc has the pump, claiming.cc the way to
// a granted claim, takeover.cc the claims of other owners, outcomes.cc what answers lead to,
// recording.cc the way off the table.
//
// Thread: one worker's.
// Owns: its entries, lists and batches; allocated in the constructor.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "forward/attempt_pool.h"
#include "forward/due_heap.h"
#include "forward/ledger_batches.h"
#include "forward/owner_watch.h"
#include "forward/replay.h"
#include "forward/reports.h"
#include "forward/router.h"
#include "forward/routing_report.h"
#include "forward/unresolved.h"
#include "tollgate/base/random.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::forward {

inline ledger::Owner OwnerOf(const table::TableIdentity& identity) {
  return {.table = identity.table,
          .incarnation = identity.incarnation,
          .nonce = identity.nonce,
          .predecessors = identity.predecessors};
}

struct Forwarder::Impl {
  Impl(const ForwarderOptions& options_in, const payments::ProcessorDirectory& directory_in,
       table::PaymentTable& table_in, WorkRing& ring_in, ledger::Ledger& ledger_in,
       upstream::ProcessorClient& client_in, const upstream::HealthBoard& health_in,
       const base::Clock& clock_in, metrics::ForwardMetrics& metrics_in);

  // --- forwarder.cc: the pump
  void Pump();
  void ReadHealth();
  // Can the time that it is be a requestedAt? Tells when that changes.
  bool LookAtClock(int64_t wall_ms);
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
  void Admit(uint32_t slot);
  int64_t AcceptedNs(uint32_t slot) const;
  // Among those that wait for a processor.
  void PushReady(uint32_t entry);
  // The oldest of them is on its way to its claim; false: it must wait, or there is none.
  bool RouteFirstOf(DueHeap& waiting);
  // False: it must wait.
  bool Route(uint32_t entry);
  void FlushClaims();
  ledger::ClaimRequest RequestOf(const Attempt& attempt) const;
  void OnClaimed(BatchId id, std::span<const ledger::ClaimReply> replies);
  void Granted(uint32_t entry, const ledger::ClaimReply& reply, bool in_doubt);
  void NotGranted(uint32_t entry, const ledger::ClaimReply& reply);
  void Contradicted(uint32_t entry, const ledger::ClaimReply& reply);
  void ClaimUndecided(uint32_t entry);

  // --- takeover.cc: claims that another owner holds
  // `entry` holds a client's repeat, and has sent nothing.
  void HeldElsewhere(uint32_t entry, const ledger::ClaimReply& reply);
  void NoLongerKept(uint32_t entry);
  // One that may have been sent, as the very entry that the other owner sends.
  void HeldAtSamePlace(uint32_t entry, const ledger::ClaimReply& reply);
  bool IsSameProcessor(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsSamePlace(const Attempt& attempt, const ledger::ClaimReply& reply) const;
  bool IsHeldHere(const payments::Uuid& id, const ledger::Holder& holder) const;
  OwnerLife LifeOf(const payments::Uuid& id, const ledger::Holder& holder);
  // `counted`: it is among the unresolved ones of that processor already.
  bool MayTakeOver(const ledger::ClaimReply& reply, bool counted) const;
  void TakeOverSoon(uint32_t entry, const ledger::ClaimReply& reply);
  void FlushTakeOvers();
  void OnTailLost();

  // Another owner has, or had, its claim: never sent again, only looked up.
  static bool OtherHasClaim(const Attempt& attempt) {
    return attempt.other_has_claim ||
           attempt.reject_reason == static_cast<uint8_t>(table::RejectReason::kElsewhere);
  }
  bool MayBeSentAgain(const Attempt& attempt) const;
  bool SameName(payments::ProcessorId a, payments::ProcessorId b) const;
  void AskForClaim(uint32_t entry);
  void MoveCommitted();
  void FlushPosts();

  // --- outcomes.cc: what a processor's answer leads to
  void OnPosted(uint32_t entry, const upstream::PostResult& result);
  // Some copy of a pinned payment may already have been sent; of another one, only this attempt.
  void OnPinnedPosted(uint32_t entry, const upstream::PostResult& result);
  void OnUnpinnedPosted(uint32_t entry, const upstream::PostResult& result);
  void NoteAnswer(payments::ProcessorId id, const upstream::PostResult& result);
  void OnLookedUp(uint32_t entry, const upstream::LookupResult& result);
  void Found(uint32_t entry, const upstream::LookupResult& result);
  bool CanBeOurs(uint32_t entry, const upstream::LookupResult& result);
  void LookUpSoon(uint32_t entry);
  void StartLookup(uint32_t entry);
  void Refused(uint32_t entry);
  void Unknown(uint32_t entry);
  void WaitUnresolved(uint32_t entry);
  void LookAgain(uint32_t entry);
  void Booked(uint32_t entry, int64_t requested_at_ms);
  void Rejected(uint32_t entry, table::RejectReason reason);
  void CountUnresolved(uint32_t entry, bool on);
  void GiveBackPlace(Attempt& attempt);

  // --- recording.cc: onto the books and off the table
  void FlushRecords();
  void OnRecorded(BatchId id, std::span<const ledger::RecordReply> replies);
  void Release(uint32_t entry, table::SlotState state);
  void OnBatchFailed(BatchId id);
  void RecordLater(uint32_t entry);
  void NotNewest();
  void Fence();

  // --- small helpers
  void SetStatus(const Attempt& attempt, table::SlotState state);
  void SetDue(uint32_t entry, Phase phase, int64_t delay_ms);
  int64_t BackoffMs(uint8_t count, int64_t min_ms, int64_t max_ms);
  // False of one that a table knows and the configuration does not, or not as what it was.
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
  ledger::Owner owner;  // another one once the table has taken a new identity
  const int64_t least_fee_ppm;
  const Reports reports;

  AttemptPool pool;
  AttemptList to_reclaim;  // claims to repeat: made before a restart or a lost tail
  AttemptList to_claim;    // new claims
  AttemptList committing;  // wait for the group commit, by ticket
  AttemptList to_post;
  AttemptList to_record;
  DueHeap due;
  Unresolved unresolved;
  Router router;
  RoutingReport routing_report;
  LedgerBatches batches;
  std::vector<ledger::ClaimRequest> claim_requests;
  std::vector<ledger::RecordRequest> record_requests;
  OwnerWatch owners;
  // Wait for room in a batch.
  struct TakeOver {
    uint32_t entry;
    uint16_t attempt;
    ledger::Holder holder;
  };
  std::vector<TakeOver> take_overs;
  std::vector<ledger::TakeOverRequest> take_over_requests;
  Replay replay;
  base::Random random;
  std::unordered_map<payments::Uuid, uint32_t> kept;  // repeats of what another owner has
  int64_t now_ns = 0;
  uint32_t tails = 0;  // that the ledger lost
  int64_t clock_read_ns = 0;
  bool clock_usable = true;
  bool draining = false;
  bool fenced = false;
};

}  // namespace tollgate::forward

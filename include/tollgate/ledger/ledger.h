// Ledger: the books, as the forwarding state machine sees them. RedisLedger implements it. The
// simulation has a deterministic model (tests/forward).
//
// Thread: one worker's. All calls and callbacks are on its thread. Calls are batches. Their replies
// come later through LedgerEvents, never inside the call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"
#include "tollgate/payments/reject_reason.h"

namespace tollgate::ledger {

// The owner of claims: a table and one of its openings (table::TableIdentity). The books refuse an
// opening older than the newest they know, and a second one with the same number (another nonce).
struct Owner {
  payments::Uuid table;
  uint64_t incarnation = 0;
  uint64_t nonce = 0;
  // Ids that the table had before, newest first. Their claims for the same slot and generation are
  // taken over, pinned. Zeros: none.
  std::array<payments::Uuid, payments::kPredecessorsMax> predecessors{};
};

// The owner of records without a table: what `tollgate reconcile` found at a processor. All its
// runs share one owner, so that none fences another. It never claims and never rejects.
inline constexpr Owner kNobody{};

// One attempt, before it is sent. It also repeats a claim after a lost reply or lost books.
struct ClaimRequest {
  payments::Payment payment;
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint16_t attempt = 0;  // 1 ..
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
};

// The holder of a claim, and its number on the books. If the number does not change for long, no
// process works with the table.
struct Holder {
  enum class Sign : uint8_t {
    kNumber,  // an owner that greets
    kGone,    // it has said that it is gone, and no other table has its claims
    kNone,    // never greeted, so it is not known whether it is alive
  };
  payments::Uuid table;
  uint64_t number = 0;
  uint32_t slot = 0;  // slot of that table with the payment
  uint32_t generation = 0;
  Sign sign = Sign::kNone;
};

// One attempt that continues the claim of a silent owner. The claim must still have the same
// holder, holder's number and attempt as when it was seen.
struct TakeOverRequest {
  ClaimRequest claim;  // of the slot that holds the client's repeat
  Holder holder;
  uint16_t attempt = 0;
};

enum class ClaimVerdict : uint8_t {
  kYours,      // adopt attempt, processor, requested_at_ms and epoch of the reply, then send
  kStale,      // the books have a later attempt of the same owner: adopt it, pinned
  kBooked,     // already booked, by processor at requested_at_ms: nothing to send
  kElsewhere,  // another owner has it and finishes it unless it is silent: nothing to send
  kConflict,   // the id is known with another amount
  kRejected,   // the books have a rejection of this id with the same amount
  kFenced,     // this opening of the table is not the newest: send nothing, ever
  kFailed,     // only this entry failed (it is logged): repeat it later
};

struct ClaimReply {
  ClaimVerdict verdict = ClaimVerdict::kFenced;
  uint16_t attempt = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  uint32_t epoch = 0;
  // With kElsewhere: the holder. attempt, processor, requested_at_ms and epoch are those of its
  // claim.
  Holder holder;
  // With kYours: another opening of the table, or another owner, has claimed this same attempt and
  // may have sent it.
  bool existed = false;
  // With kYours, kStale and kElsewhere: the identity of `processor` (payments::IdentityHash) as its
  // claimer knew it. 0: not known, so it may be any processor of that name.
  uint64_t identity = 0;
  // With kConflict: true if the other amount is settled: booked by `processor`, or rejected if that
  // is kNoProcessor. False: another owner has claimed it and may still book it.
  bool settled = false;
};

// The outcome of an attempt. It has all data, so it can restore a claim that the books have lost.
struct RecordRequest {
  ClaimRequest claim;  // as last adopted; requested_at_ms is the processor's
  bool booked = true;  // false: rejected, with reason
  payments::RejectReason reason = payments::RejectReason::kNone;
  bool epoch_known = true;  // false if a restart lost it: the current epoch is used
  uint32_t epoch = 0;
};

enum class RecordVerdict : uint8_t {
  kDone,           // on the books now, or already the same
  kContradiction,  // the books have another processor's booking: a possible double charge
  kFenced,         // as in ClaimVerdict; the newer opening settles it
  kFailed,         // only this entry failed: repeat it later
};

struct RecordReply {
  RecordVerdict verdict = RecordVerdict::kFenced;
  payments::ProcessorId other = payments::kNoProcessor;  // with kContradiction
};

// The standing of the books for the table that asks.
enum class BooksStanding : uint8_t {
  kUnknown,    // away, or not asked yet
  kOurs,       // the table's payments are claimed here
  kOthers,     // of another fleet or server: nothing is sent until people have looked
  kStrangers,  // without an id, and they do not know the table, which knows other books
  kLossy,      // ours, but they have lost more than the tables can replay
  kNotNewest,  // they know a newer opening of the table: this one is fenced
};
const char* Name(BooksStanding standing);

class LedgerEvents {
 public:
  virtual ~LedgerEvents() = default;
  // Replies are in the order of the requests. `batch` is the caller's number for the call.
  virtual void OnClaimed(uint64_t batch, std::span<const ClaimReply> replies) = 0;
  virtual void OnRecorded(uint64_t batch, std::span<const RecordReply> replies) = 0;
  // The batch may or may not have been executed (connection lost, deadline passed), or was refused
  // as a whole (out of memory, eviction policy). Repeat it once the ledger is ready. Repeating is
  // safe.
  virtual void OnBatchFailed(uint64_t batch) = 0;
  // The books may have lost their tail: replay all slots that are in use or resting. The ledger
  // accepts repeated claims (of attempts claimed before) and records at once, and new claims
  // (can_claim) after its grace.
  virtual void OnTailLost() = 0;
  // ready() or can_claim() changed.
  virtual void OnLedgerState() = 0;
  // The books know a newer opening of the owner's table, before any call of this one. The receiver
  // may set another owner inside this call.
  virtual void OnNotNewest() {}
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual void SetEvents(LedgerEvents* events) = 0;
  // The owner that greets the books, before ready() and while no other call is in progress. Call it
  // before Start, and from OnNotNewest.
  virtual void SetOwner(const Owner& owner) = 0;

  // Connected and usable. Record, and Claim for attempts claimed before, may be called.
  virtual bool ready() const = 0;
  // New claims may be made: the ledger is ready, the grace after a lost tail is over, and the books
  // are ours and complete.
  virtual bool can_claim() const = 0;
  virtual BooksStanding standing() const = 0;

  // REQUIRES: ready(), 1 to kLedgerBatchMax requests (copied), and a batch id that no call in
  // progress has.
  virtual void Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                     uint64_t batch) = 0;
  // Replied to like a claim. kYours with a higher attempt: the payment is now the caller's, pinned.
  // If the claim is gone, `claim` is made as a new one. REQUIRES: can_claim(), and as for Claim.
  virtual void TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                        uint64_t batch) = 0;
  virtual void Record(const Owner& owner, std::span<const RecordRequest> requests,
                      uint64_t batch) = 0;
};

}  // namespace tollgate::ledger

// Ledger: the books, as the forwarding state machine sees them. RedisLedger is the first
// implementation, the simulation's deterministic model (tests/forward) the second.
//
// Thread: one worker's; all calls and all callbacks on its thread.
// All calls are batches and answer later through LedgerEvents, never from inside the call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment.h"

namespace tollgate::ledger {

// Who claims: a table and which opening of it (table::TableIdentity). The books refuse an opening
// older than the newest they know, and a second one of the same number (another nonce).
struct Owner {
  payments::Uuid table;
  uint64_t incarnation = 0;
  uint64_t nonce = 0;
  // Ids that the table had before, newest first: what they have claimed for the same slot and
  // generation is taken over, pinned. Zeros: none.
  std::array<payments::Uuid, payments::kPredecessorsMax> predecessors{};
};

// Of records that no table stands behind: what `tollgate reconcile` found at a processor. One owner
// for all its runs, so that none of them fences another. It never claims and never rejects.
inline constexpr Owner kNobody{};

// One attempt, before it is sent. Also the repeat of a claim, after a lost reply or lost books.
struct ClaimRequest {
  payments::Payment payment;
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint16_t attempt = 0;  // 1 ..
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
};

// Who holds a claim, and what the books know of its life: a number that stays the same for long
// says that nobody works with the table.
struct Holder {
  enum class Sign : uint8_t {
    kNumber,  // an owner that greets
    kGone,    // it has said that it is gone, and nobody else has what it held
    kNone,    // never greeted: nothing can be told of its life
  };
  payments::Uuid table;
  uint64_t number = 0;
  uint32_t slot = 0;  // of that table, which holds the payment
  uint32_t generation = 0;
  Sign sign = Sign::kNone;
};

// One attempt that goes on with the claim of a silent owner, if that is still the very one that was
// seen: its holder, the holder's number, and its attempt.
struct TakeOverRequest {
  ClaimRequest claim;  // of the slot that holds the client's repeat
  Holder holder;
  uint16_t attempt = 0;
};

enum class ClaimVerdict : uint8_t {
  kYours,      // adopt attempt, processor, requested_at_ms and epoch of the reply, then send
  kStale,      // the books hold a later attempt of the same owner: adopt it, pinned
  kBooked,     // on the books already, by processor at requested_at_ms: nothing to send
  kElsewhere,  // another owner has it and will finish it, unless it is silent: nothing to send
  kConflict,   // the id is known with another amount
  kRejected,   // the books hold a rejection of this id with the same amount
  kFenced,     // this opening of the table is not the newest: send nothing, ever
  kFailed,     // this entry alone could not be executed (it is logged): ask again later
};

struct ClaimReply {
  ClaimVerdict verdict = ClaimVerdict::kFenced;
  uint16_t attempt = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  uint32_t epoch = 0;
  // With kElsewhere: who has it; attempt, processor, requested_at_ms and epoch are that claim's.
  Holder holder;
  // With kYours: another opening of the table, or another owner, has claimed this very attempt, and
  // may have sent it.
  bool existed = false;
  // With kYours, kStale and kElsewhere: which one of that name `processor` is
  // (payments::IdentityHash), as whoever claimed it knew; 0: not known, and it may be any.
  uint64_t identity = 0;
  // With kConflict: the other amount is on the books: booked by `processor`, or rejected if that is
  // none. Otherwise another owner has claimed it, and may still book it.
  bool settled = false;
};

// What became of an attempt. Carries everything, so that it can restore a claim the books forgot.
struct RecordRequest {
  ClaimRequest claim;       // as last adopted; requested_at_ms is the processor's
  bool booked = true;       // false: rejected, with reason
  uint8_t reason = 0;       // table::RejectReason
  bool epoch_known = true;  // false after a restart that lost it: the current one is taken
  uint32_t epoch = 0;
};

enum class RecordVerdict : uint8_t {
  kDone,           // on the books now, or it was already, the same
  kContradiction,  // the books say another processor booked it: a possible double charge
  kFenced,         // as above; the newer owner will settle it
  kFailed,         // this entry alone could not be executed: ask again later
};

struct RecordReply {
  RecordVerdict verdict = RecordVerdict::kFenced;
  payments::ProcessorId other = payments::kNoProcessor;  // with kContradiction
};

// What the ledger is to the table that it is asked for.
enum class BooksStanding : uint8_t {
  kUnknown,    // away, or not asked yet
  kOurs,       // the table's payments are claimed here
  kOthers,     // another fleet's, or of another server: nothing is sent until people have looked
  kStrangers,  // books that have no id and do not know the table, which knows other ones
  kLossy,      // ours, and they have lost more than the tables can tell again
  kNotNewest,  // a newer opening of the table is known: this one is fenced
};
const char* Name(BooksStanding standing);

class LedgerEvents {
 public:
  virtual ~LedgerEvents() = default;
  // Replies stand in the order of the requests. `batch` is what the call was given.
  virtual void OnClaimed(uint64_t batch, std::span<const ClaimReply> replies) = 0;
  virtual void OnRecorded(uint64_t batch, std::span<const RecordReply> replies) = 0;
  // The batch may or may not have been executed (connection lost, deadline passed), or was refused
  // whole (out of memory, eviction policy): repeat it once the ledger is ready. Repeating is safe.
  virtual void OnBatchFailed(uint64_t batch) = 0;
  // The books may have lost their tail: tell again all that is not free or still rests. The ledger
  // lets repeats of claims (attempts told before) and records through at once, and opens for new
  // claims (can_claim) after its grace.
  virtual void OnTailLost() = 0;
  // ready() or can_claim() changed.
  virtual void OnLedgerState() = 0;
  // The books know a newer opening of the owner's table, before anything was called with this one.
  // Whoever is told may give the ledger another owner from inside this call.
  virtual void OnNotNewest() {}
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual void SetEvents(LedgerEvents* events) = 0;
  // Who greets the books, before ready() and while nothing else is called. Before Start, and from
  // OnNotNewest.
  virtual void SetOwner(const Owner& owner) = 0;

  // Connected and usable: Record, and Claim of attempts told before, may be called.
  virtual bool ready() const = 0;
  // New claims may be made: ready, past the grace that follows a lost tail, in books that are ours
  // and whole.
  virtual bool can_claim() const = 0;
  virtual BooksStanding standing() const = 0;

  // REQUIRES: ready(); 1 .. kLedgerBatchMax requests (copied); batch ids unique while under way.
  virtual void Claim(const Owner& owner, std::span<const ClaimRequest> requests,
                     uint64_t batch) = 0;
  // Answered like a claim; kYours under a higher attempt: it is the caller's now, pinned. What has
  // no claim any more is claimed as it was asked for. REQUIRES: can_claim(), and as Claim.
  virtual void TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                        uint64_t batch) = 0;
  virtual void Record(const Owner& owner, std::span<const RecordRequest> requests,
                      uint64_t batch) = 0;
};

}  // namespace tollgate::ledger

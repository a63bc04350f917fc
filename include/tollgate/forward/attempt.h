// Attempt: a payment that a forwarder has taken from the ring, with its present or next attempt.
// Phase says what it waits for; the flags say what is known about it.
//
// Thread: one worker's.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tollgate/base/backoff.h"
#include "tollgate/forward/entry_index.h"
#include "tollgate/payments/payment.h"
#include "tollgate/payments/reject_reason.h"
#include "tollgate/table/slot_index.h"

namespace tollgate::forward {

enum class Phase : uint8_t {
  kFree,        // not in use
  kReady,       // a choice of processor, perhaps after a back-off
  kToClaim,     // room in a claim batch
  kClaiming,    // the ledger's verdict
  kCommitting,  // the table's group commit
  kToPost,      // a transfer handle
  kPosting,     // the processor's answer
  kLookupWait,  // the time for a look-up after an answered attempt
  kLookingUp,   // the answer to the look-up
  kUnresolved,  // the time for the next recheck of an unknown outcome
  kToRecord,    // room in a record batch
  kRecording,   // the ledger's verdict
};

struct Attempt {
  table::SlotIndex slot{};
  EntryIndex next = kNoEntry;
  EntryIndex previous = kNoEntry;
  uint16_t number = 0;  // 1 for the first attempt; 0: none was made yet
  payments::ProcessorId processor = payments::kNoProcessor;
  // The processor that answered 429 to the last attempt.
  payments::ProcessorId refused_by = payments::kNoProcessor;
  Phase phase = Phase::kFree;
  // A copy may have been sent, with unknown outcome: only the same processor and requestedAt are
  // allowed.
  bool pinned = false;
  // The claim is repeated as it is in the table or the books: requested_at_ms is not renewed.
  bool keep_requested_at = false;
  // This attempt was claimed before: the ledger takes the repeat of its claim before new claims.
  bool claimed_before = false;
  // Its processor and time are those of another owner's claim, which may have been sent: pinned
  // once granted.
  bool pin_when_granted = false;
  // By the books' last reply another owner has the claim, with the same processor and time.
  bool other_has_claim = false;
  // Counted in its processor's in_flight.
  bool counted_in_flight = false;
  // The place is a recheck's, of a payment of unknown outcome.
  bool is_recheck = false;
  bool counted_unresolved = false;
  // A 422 has said that the processor has the id.
  bool answered_duplicate = false;
  // It was reported that its processor holds it with an impossible time.
  bool reported_time = false;
  base::Backoff claim_asks;  // of asking the books about a claim of another owner
  base::Backoff backoff;     // of everything else
  uint8_t probes = 0;        // how often it was the probe of a processor
  payments::RejectReason reject_reason = payments::RejectReason::kNone;
  uint32_t epoch = 0;
  uint32_t tail = 0;  // how many tails the ledger had lost when the books said whose the claim is
  int64_t requested_at_ms = 0;
  // Monotonic.
  int64_t invalid_since_ns = 0;  // since when it is refused as invalid while pinned; 0: it is not
  int64_t unresolved_since_ns = 0;
  int64_t accepted_ns = 0;  // by the wall clock when it was taken from the ring
  uint64_t ticket = 0;      // of the table's group commit
};

static_assert(std::is_trivially_destructible_v<Attempt>);

}  // namespace tollgate::forward

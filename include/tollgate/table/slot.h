// A slot of the payment table: 64 bytes, one payment. docs/ARCHITECTURE.md has the state diagram.
//
// The payment part is written while the slot is free, then published by the status, and never
// changed afterwards. The status is one aligned 64-bit word that is changed by one release store,
// so it cannot tear. A process killed at any instruction leaves every payment in a state to
// continue from.
//
// Thread: a slot has one owner at a time (acceptor, then worker). Any thread may read a status.
#pragma once

#include <atomic>
#include <cstdint>

#include "tollgate/payments/payment.h"
#include "tollgate/payments/reject_reason.h"

namespace tollgate::table {

enum class SlotState : uint8_t {
  kFree = 0,        // nothing to replay
  kAccepted = 1,    // published; `attempt` is that of the last refused attempt, 0 if none
  kClaimed = 2,     // about to be claimed in the books as attempt n; nothing sent yet
  kSent = 3,        // claimed; attempt n may have been sent
  kUnresolved = 4,  // attempt n was sent with unknown outcome: pinned
  kBooked = 5,      // the processor has booked it; the books may not have the record yet
  kRejected = 6,    // can never be booked; the books may not have the rejection yet
  kFreeBooked = 7,  // resting: recorded as booked (or, with a reason, rejected); may be replayed
};
// As clients and operators read it. kFreeBooked is "booked", as a payment that rests is.
const char* Name(SlotState state);

// The status word, unpacked. Bits from the top: state 3, pinned 1, reason 2, processor 5,
// attempt 13, requestedAt 40 (milliseconds since 2025-01-01T00:00:00Z).
struct SlotStatus {
  SlotState state = SlotState::kFree;
  bool pinned = false;
  payments::RejectReason reason = payments::RejectReason::kNone;
  payments::ProcessorId processor = payments::kNoProcessor;
  uint16_t attempt = 0;
  int64_t requested_at_ms = 0;  // Unix milliseconds; 0: none
  bool operator==(const SlotStatus&) const = default;
};

uint64_t PackStatus(const SlotStatus& status);
SlotStatus UnpackStatus(uint64_t word);

struct alignas(64) Slot {
  payments::Payment payment;          // 24 bytes
  int64_t accepted_at_ms;             // Unix milliseconds
  uint32_t generation;                // raised at each use of the slot
  uint32_t checksum;                  // over the payment part
  std::atomic<uint64_t> status;       // PackStatus, processor as the file's own index
  std::atomic<uint32_t> claim_epoch;  // the purge epoch of the claim; valid from kSent on
  uint32_t freed_at_s;                // seconds of the table's rest clock; valid in kFreeBooked
  uint64_t recorded_in;               // the books' number when it was last freed as recorded;
                                      // kept while the slot is used again; 0: none
};
static_assert(sizeof(Slot) == 64);

// The checksum of the payment part (id, cents, time accepted, generation).
uint32_t PaymentChecksum(const Slot& slot);

}  // namespace tollgate::table

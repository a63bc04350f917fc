#include "tollgate/table/slot.h"

#include <algorithm>
#include <bit>

#include "tollgate/base/assert.h"
#include "tollgate/payments/limits.h"

namespace tollgate::table {
namespace {

constexpr int64_t kOriginMs = payments::kRequestedAtOriginMs;
constexpr uint64_t kTimeMask = (uint64_t{1} << 40U) - 1;
static_assert(payments::kRequestedAtMsMax - kOriginMs == int64_t{kTimeMask});

}  // namespace

const char* Name(SlotState state) {
  switch (state) {
    case SlotState::kAccepted:
      return "accepted";
    case SlotState::kClaimed:
      return "claimed";
    case SlotState::kSent:
      return "sent";
    case SlotState::kUnresolved:
      return "unresolved";
    case SlotState::kBooked:
    case SlotState::kFreeBooked:
      return "booked";
    case SlotState::kRejected:
      return "rejected";
    case SlotState::kFree:
      break;
  }
  return "free";
}

uint64_t PackStatus(const SlotStatus& status) {
  TG_ASSERT(status.attempt <= payments::kAttemptMax);
  TG_ASSERT(status.processor <= payments::kNoProcessor);
  // Zero stands for "none". A caller checks a time from outside with IsRequestedAt first. A time
  // that does not fit is clamped, so it never changes the neighbouring bits.
  uint64_t time = 0;
  if (status.requested_at_ms != 0) {
    const int64_t kept = std::clamp(status.requested_at_ms, payments::kRequestedAtMsMin,
                                    payments::kRequestedAtMsMax);
    time = static_cast<uint64_t>(kept - kOriginMs);
  }
  return uint64_t{static_cast<uint8_t>(status.state)} << 61U | uint64_t{status.pinned} << 60U |
         uint64_t{static_cast<uint8_t>(status.reason)} << 58U | uint64_t{status.processor} << 53U |
         uint64_t{status.attempt} << 40U | time;
}

SlotStatus UnpackStatus(uint64_t word) {
  const uint64_t time = word & kTimeMask;
  return {.state = static_cast<SlotState>(word >> 61U),
          .pinned = (word >> 60U & 1U) != 0,
          .reason = payments::RejectReasonFrom(word >> 58U & 3U),
          .processor = static_cast<payments::ProcessorId>(word >> 53U & 31U),
          .attempt = static_cast<uint16_t>(word >> 40U & payments::kAttemptMax),
          .requested_at_ms = time == 0 ? 0 : static_cast<int64_t>(time) + kOriginMs};
}

uint32_t PaymentChecksum(const Slot& slot) {
  // A multiply-and-rotate mix of each word; the odd constants are those of splitmix64.
  uint64_t hash = 0x9E3779B97F4A7C15U;
  const auto mix = [&hash](uint64_t word) {
    hash = std::rotl((hash ^ word) * 0xBF58476D1CE4E5B9U, 29) * 0x94D049BB133111EBU;
  };
  mix(slot.payment.id.high);
  mix(slot.payment.id.low);
  mix(static_cast<uint64_t>(slot.payment.amount_cents));
  mix(static_cast<uint64_t>(slot.accepted_at_ms));
  mix(slot.generation);
  return static_cast<uint32_t>(hash >> 32U);
}

}  // namespace tollgate::table

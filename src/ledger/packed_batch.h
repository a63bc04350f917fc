// The entries of a batch as claim.lua and record.lua take them.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ledger/packed.h"
#include "ledger/spread_id.h"
#include "tollgate/ledger/ledger.h"

namespace tollgate::ledger {

inline constexpr size_t kClaimBytes = 39;
inline constexpr size_t kTakeOverBytes = 26;
inline constexpr size_t kRecordBytes = 46;
inline constexpr size_t kAttemptAt = 24;  // in a packed claim; processor and time follow

inline void PackClaim(std::string& out, const ClaimRequest& request) {
  PackUuid(out, Spread(request.payment.id));
  Pack<4>(out, request.slot);
  Pack<4>(out, request.generation);
  Pack<2>(out, request.attempt);
  Pack<1>(out, request.processor);
  Pack<6>(out, static_cast<uint64_t>(request.requested_at_ms));
  Pack<6>(out, static_cast<uint64_t>(request.payment.amount_cents));
}

inline void PackTakeOver(std::string& out, const TakeOverRequest& request) {
  PackUuid(out, request.holder.table);
  Pack<2>(out, request.attempt);
  Pack<8>(out, request.holder.number);
}

inline void PackRecord(std::string& out, const RecordRequest& request) {
  PackClaim(out, request.claim);
  Pack<1>(out, request.booked ? 1 : 0);
  Pack<1>(out, request.reason);
  Pack<1>(out, request.epoch_known ? 1 : 0);
  Pack<4>(out, request.epoch);
}

}  // namespace tollgate::ledger

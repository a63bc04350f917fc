// A batch in columns, in the form that claim.lua and record.lua take (docs/REDIS.md). A column is a
// string with the same number of bytes for every payment.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/packed.h"
#include "ledger/spread_id.h"
#include "tollgate/ledger/ledger.h"

namespace tollgate::ledger {

inline constexpr size_t kIdBytes = 16;
inline constexpr size_t kPendingBytes = 65;
inline constexpr size_t kTakeOverBytes = 26;
inline constexpr size_t kBookedBytes = 14;
inline constexpr size_t kSlotBytes = 8;
inline constexpr size_t kClaimEpochBytes = 5;
inline constexpr size_t kAttemptAt = 24;  // in a pending claim; processor and time follow

struct PackedBatch {
  std::string ids;
  std::string claims;      // of claims: as they will be on the books, except the processor
  std::string processors;  // of claims: the caller's numbers
  std::string take_overs;  // of claims, or empty
  std::string settled;     // of records, and so are the rest
  std::string slots;
  std::string epochs;

  void Clear() {
    for (std::string* column :
         {&ids, &claims, &processors, &take_overs, &settled, &slots, &epochs}) {
      column->clear();
    }
  }
};

// The part of `column` for `count` payments, starting at this number.
inline std::string_view PartOf(const std::string& column, size_t bytes_each, size_t first,
                               size_t count) {
  return std::string_view(column).substr(std::min(first * bytes_each, column.size()),
                                         count * bytes_each);
}

inline void PackSlot(std::string& out, const ClaimRequest& request) {
  Pack<4>(out, request.slot);
  Pack<4>(out, request.generation);
}

inline void PackPlace(std::string& out, const ClaimRequest& request) {
  Pack<1>(out, request.processor);
  Pack<6>(out, static_cast<uint64_t>(request.requested_at_ms));
  Pack<6>(out, static_cast<uint64_t>(request.payment.amount_cents));
}

// `identity`: of its processor; 0: not known.
inline void PackClaim(PackedBatch& out, const ClaimRequest& request, const Owner& owner,
                      uint32_t epoch, uint64_t identity) {
  PackUuid(out.ids, Spread(request.payment.id));
  PackUuid(out.claims, owner.table);
  PackSlot(out.claims, request);
  Pack<2>(out.claims, request.attempt);
  PackPlace(out.claims, request);
  Pack<4>(out.claims, epoch);
  Pack<8>(out.claims, owner.incarnation);
  Pack<8>(out.claims, identity);
  Pack<6>(out.claims, 0);
  Pack<1>(out.processors, request.processor);
}

inline void PackTakeOver(PackedBatch& out, const TakeOverRequest& request) {
  PackUuid(out.take_overs, request.holder.table);
  Pack<2>(out.take_overs, request.attempt);
  Pack<8>(out.take_overs, request.holder.number);
}

inline void PackRecord(PackedBatch& out, const RecordRequest& request) {
  constexpr uint64_t kRejected = 2;  // and the reason
  PackUuid(out.ids, Spread(request.claim.payment.id));
  Pack<1>(out.settled, request.booked ? 0 : kRejected + static_cast<uint8_t>(request.reason));
  PackPlace(out.settled, request.claim);
  PackSlot(out.slots, request.claim);
  Pack<1>(out.epochs, request.epoch_known ? 1 : 0);
  Pack<4>(out.epochs, request.epoch);
}

}  // namespace tollgate::ledger

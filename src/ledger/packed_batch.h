// A batch in columns, in the form that claim.lua and record.lua take (docs/REDIS.md). A column is a
// string with the same number of bytes for every payment.
//
// Thread: pure functions over the caller's buffers.
#pragma once

#include <algorithm>
#include <array>
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
inline constexpr size_t kEntryBytes = kIdBytes + kPendingBytes;
inline constexpr size_t kTakeOverBytes = 26;
inline constexpr size_t kBookedBytes = 14;
inline constexpr size_t kSlotBytes = 8;
inline constexpr size_t kClaimEpochBytes = 5;
inline constexpr size_t kAttemptAt = kIdBytes + 24;  // in an entry; processor and time follow
inline constexpr size_t kPlaceBytes = 8;             // kind, processor and time of a value

struct PackedBatch {
  std::string ids;
  std::string entries;     // of claims: ids, and as they will be on the books, except the processor
  std::string processors;  // of claims: the caller's numbers
  std::string take_overs;  // of claims, or empty
  std::string settled;     // of records, and so are the rest
  std::string slots;
  std::string epochs;
  std::string sums;  // of all values of `settled`

  void Clear() {
    for (std::string* column :
         {&ids, &entries, &processors, &take_overs, &settled, &slots, &epochs, &sums}) {
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
  const payments::Uuid id = Spread(request.payment.id);
  PackUuid(out.ids, id);
  PackUuid(out.entries, id);
  PackUuid(out.entries, owner.table);
  PackSlot(out.entries, request);
  Pack<2>(out.entries, request.attempt);
  PackPlace(out.entries, request);
  Pack<4>(out.entries, epoch);
  Pack<8>(out.entries, owner.incarnation);
  Pack<8>(out.entries, identity);
  Pack<6>(out.entries, 0);
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

// Sums up `settled`: one entry for a row of values with the same kind, processor and time.
inline void PackSums(PackedBatch& out) {
  std::string_view place;
  uint64_t count = 0;
  uint64_t cents = 0;
  const auto finish = [&] {
    if (count == 0) return;
    out.sums += place;
    Pack<2>(out.sums, count);
    Pack<7>(out.sums, cents);
  };
  for (size_t at = 0; at < out.settled.size(); at += kBookedBytes) {
    const std::string_view value = std::string_view(out.settled).substr(at, kBookedBytes);
    if (value.substr(0, kPlaceBytes) != place) {
      finish();
      place = value.substr(0, kPlaceBytes);
      count = cents = 0;
    }
    ++count;
    cents += Unpacker(value.substr(kPlaceBytes)).Take<6>();
  }
  finish();
}

// True if no id of this column comes twice. Spread ids are their own hash.
inline bool AreDistinct(std::string_view ids) {
  constexpr size_t kPlaces = 1024;
  static_assert(kPlaces >= 2 * payments::kLedgerBatchMax);
  if (ids.size() <= kIdBytes) return true;
  std::array<uint16_t, kPlaces> seen{};  // the number of an id from 1 on
  for (size_t number = 1; number * kIdBytes <= ids.size(); ++number) {
    const std::string_view id = ids.substr((number - 1) * kIdBytes, kIdBytes);
    size_t place = Unpacker(id).Take<2>() % kPlaces;
    for (; seen[place] != 0; place = (place + 1) % kPlaces) {
      if (ids.substr((seen[place] - size_t{1}) * kIdBytes, kIdBytes) == id) return false;
    }
    seen[place] = static_cast<uint16_t>(number);
  }
  return true;
}

}  // namespace tollgate::ledger

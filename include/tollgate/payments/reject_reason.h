// RejectReason: why a payment can never be booked. The numbers are those of the table's file and of
// the books (docs/TABLE_FILE.md, docs/REDIS.md).
//
// Thread: pure functions over values.
#pragma once

#include <cstdint>
#include <string_view>

namespace tollgate::payments {

enum class RejectReason : uint8_t {
  kNone = 0,       // not rejected
  kConflict = 1,   // the id is known with another amount
  kRefused = 2,    // the processor says that the request can never be valid (400 etc.)
  kElsewhere = 3,  // unresolved: another owner has its claim, so it is only looked up
};

// The reason that a number from a file or from Redis stands for; kNone if it stands for none.
constexpr RejectReason RejectReasonFrom(uint64_t number) {
  return number <= static_cast<uint64_t>(RejectReason::kElsewhere)
             ? static_cast<RejectReason>(number)
             : RejectReason::kNone;
}

// As clients read it; empty for kNone.
constexpr std::string_view Name(RejectReason reason) {
  switch (reason) {
    case RejectReason::kConflict:
      return "conflict";
    case RejectReason::kRefused:
      return "refused";
    case RejectReason::kElsewhere:
      return "elsewhere";
    case RejectReason::kNone:
      break;
  }
  return {};
}

}  // namespace tollgate::payments

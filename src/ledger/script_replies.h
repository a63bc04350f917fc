// The form of the packed replies of claim.lua and record.lua. It is checked before a byte is used.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tollgate/payments/payment.h"

namespace tollgate::ledger {

inline constexpr size_t kClaimReplyBytes = 23;      // or one byte, kAsAsked
inline constexpr size_t kElsewhereReplyBytes = 55;  // with the owner
inline constexpr size_t kRecordReplyBytes = 2;
inline constexpr uint8_t kAsAsked = 7;
inline constexpr uint8_t kUnnamed = 32;  // from here on: 32 + a ledger index

// True if there are as many replies as entries and no byte more, each with a valid verdict. Each
// names one of the caller's first `names` processors, one of the ledger's own, or none.
bool AreClaimReplies(std::string_view replies, size_t entries, size_t names);
bool AreRecordReplies(std::string_view replies, size_t entries, size_t names);

// The name for a code from kUnnamed on; empty: it has none. `all_names`: all names in the order of
// their indexes, one per line.
std::string_view LedgerName(uint8_t code, std::string_view all_names);

}  // namespace tollgate::ledger

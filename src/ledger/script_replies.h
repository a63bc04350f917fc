// What claim.lua and record.lua can have answered: the form of their packed replies, checked before
// a byte of them is believed.
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
inline constexpr uint8_t kUnnamed = 32;  // from here on: 32 + an index of the ledger's own

// As many replies as entries, and not a byte more; each a verdict that there is, at a processor
// that is among the caller's `names` first ones, or the ledger's own, or none.
bool AreClaimReplies(std::string_view replies, size_t entries, size_t names);
bool AreRecordReplies(std::string_view replies, size_t entries, size_t names);

// The name that a code from kUnnamed on stands for, of all names in the order of their indexes, one
// a line; empty: it has none.
std::string_view LedgerName(uint8_t code, std::string_view all_names);

}  // namespace tollgate::ledger

// Every cap on payments in one place. A room's own limits are in its options struct and are checked
// against these.
//
// Thread: constants.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tollgate::payments {

inline constexpr int64_t kAmountCentsMax = 999'999'999'999;  // 9,999,999,999.99
inline constexpr size_t kBodyBytesMax = 64 * 1024;           // default, configurable
inline constexpr size_t kProcessorsMax = 31;  // five bits in a slot; one value means none
inline constexpr size_t kProcessorNameBytesMax = 31;
inline constexpr uint16_t kAttemptMax = 8191;   // thirteen bits in a slot
inline constexpr size_t kPredecessorsMax = 4;   // former ids that a table remembers
inline constexpr size_t kLedgerBatchMax = 256;  // payments in one script call

// The range of requestedAt: forty bits of milliseconds in a slot, from 2025-01-01 to November 2059
// UTC. No payment is sent with a time outside it.
inline constexpr int64_t kRequestedAtOriginMs = 1'735'689'600'000;
inline constexpr int64_t kRequestedAtMsMin = kRequestedAtOriginMs + 1;  // zero means none
inline constexpr int64_t kRequestedAtMsMax = kRequestedAtOriginMs + (int64_t{1} << 40U) - 1;
constexpr bool IsRequestedAt(int64_t unix_ms) {
  return unix_ms >= kRequestedAtMsMin && unix_ms <= kRequestedAtMsMax;
}

}  // namespace tollgate::payments

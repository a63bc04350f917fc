// Waits: how long payments wait before they are tried again. Each has jitter
// (Transitions::WaitAbout).
//
// Thread: constants.
#pragma once

#include <cstdint>

#include "tollgate/base/backoff.h"

namespace tollgate::forward {

// After a refusal or an unclear look-up.
inline constexpr base::BackoffRange kRetryWaits{.min_ms = 20, .max_ms = 2'000};
// Until the next recheck of an unknown outcome.
inline constexpr base::BackoffRange kUnresolvedWaits{.min_ms = 100, .max_ms = 5'000};
// After a call to the ledger without a verdict.
inline constexpr base::BackoffRange kLedgerWaits{.min_ms = 20, .max_ms = 1'000};
// Until the books are asked again about another owner's claim: OwnerWatch needs reads that are
// less than five seconds apart.
inline constexpr base::BackoffRange kClaimAskWaits{.min_ms = 100, .max_ms = 4'000};
// While all look-up handles are in use.
inline constexpr int64_t kHandleWaitMs = 20;
// While its processor has no place for a recheck.
inline constexpr int64_t kPlaceWaitMs = 50;

}  // namespace tollgate::forward

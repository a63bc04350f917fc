// Audit: checks the invariants of docs/ARCHITECTURE.md at the end of a run against what the
// processors hold, to the cent and the millisecond.
//
// Thread: one test's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/support/load.h"
#include "tests/support/stack.h"

namespace tollgate::testing {

// The result for a settled run. Every field except `accepted` must be zero.
struct AuditResult {
  size_t accepted = 0;
  size_t lost = 0;   // accepted, held by no processor
  size_t twice = 0;  // held by both
  size_t stray = 0;  // held, and never posted by a client
  size_t wrong_amount = 0;
  size_t summary_differences = 0;  // over all time, and over ranges cut at bookings
  std::string text() const;
  bool clean() const { return lost + twice + stray + wrong_amount + summary_differences == 0; }
};

// Waits until every accepted id is held and the summary equals the processors' totals, for at most
// `settle_ms`; then counts. The summary is read from `address`.
AuditResult Audit(Stack& stack, const Load& load, const std::string& address,
                  int settle_ms = 60'000);

}  // namespace tollgate::testing

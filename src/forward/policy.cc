#include "tollgate/forward/policy.h"

#include <algorithm>
#include <limits>

namespace tollgate::forward {
namespace {

bool Eligible(const ProcessorView& view) {
  return view.standing == Standing::kOpenForAll || view.standing == Standing::kProbeDue;
}

// Cheaper first; of equal fees the one with the smaller id, so that the choice is stable.
bool Cheaper(const ProcessorView& a, const ProcessorView& b) {
  return a.fee_ppm != b.fee_ppm ? a.fee_ppm < b.fee_ppm : a.id < b.id;
}

}  // namespace

const char* Name(Standing standing) {
  switch (standing) {
    case Standing::kOpenForAll:
      return "open";
    case Standing::kProbeDue:
      return "probe due";
    case Standing::kBreakerOpen:
      return "breaker open";
    case Standing::kFull:
      return "full";
    case Standing::kUnresolvedCap:
      return "too many unresolved";
  }
  return "unknown";
}

Choice Choose(std::span<const ProcessorView> views, int64_t now_ms, int64_t age_ms,
              const PolicyOptions& options) {
  const ProcessorView* best = nullptr;      // cheapest eligible
  const ProcessorView* cheapest = nullptr;  // cheapest of all
  int64_t wake_ms = std::numeric_limits<int64_t>::max();
  for (const ProcessorView& view : views) {
    if (cheapest == nullptr || Cheaper(view, *cheapest)) cheapest = &view;
    if (Eligible(view) && (best == nullptr || Cheaper(view, *best))) best = &view;
    if (view.standing == Standing::kBreakerOpen) wake_ms = std::min(wake_ms, view.retry_at_ms);
  }
  if (best == nullptr) return {.processor = payments::kNoProcessor, .wait_until_ms = wake_ms};
  const int64_t may_wait_ms = options.wait_for_cheaper_ms_max - age_ms;
  if (best->fee_ppm > cheapest->fee_ppm && may_wait_ms > 0) {
    return {.processor = payments::kNoProcessor,
            .wait_until_ms = std::min(wake_ms, now_ms + may_wait_ms)};
  }
  return {.processor = best->id, .wait_until_ms = 0};
}

}  // namespace tollgate::forward

// The HTTP protocol of a processor (docs/PROCESSORS.md): its paths, its headers and what the
// answers to GETs mean. What the statuses of a POST and of a look-up prove is in
// upstream/outcome.h, the JSON of all bodies in payments/processor_json.h.
//
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tollgate/payments/processor_json.h"
#include "tollgate/payments/summary.h"
#include "tollgate/upstream/http_get.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::upstream {

// POST takes a payment; with "/{correlationId}" behind it GET looks one up.
inline constexpr std::string_view kPaymentsPath = "/payments";

// GET /payments/service-health of a processor.
GetTarget MakeHealthTarget(const ProcessorOptions& processor);
// Nothing if the answer is not whole, not 200 or not understood.
std::optional<payments::ServiceHealth> ReadHealth(const GetAnswer& answer);

// GET /admin/payments-summary of a processor for `range`, with its admin token.
GetTarget MakeAdminSummaryTarget(const ProcessorOptions& processor,
                                 const payments::SummaryRange& range, const std::string& token);

enum class AdminSummaryVerdict : uint8_t {
  kSummary,
  kNotUnderstood,  // a whole 200 with another body
  kTokenRefused,
  kFailed,  // no whole answer, or another status: it may be asked again
};
struct AdminSummaryAnswer {
  AdminSummaryVerdict verdict = AdminSummaryVerdict::kFailed;
  std::optional<payments::ProcessorSummary> summary;  // with kSummary
};
AdminSummaryAnswer ReadAdminSummary(const GetAnswer& answer);

}  // namespace tollgate::upstream

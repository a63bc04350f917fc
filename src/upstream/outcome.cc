#include "upstream/outcome.h"

#include <optional>

#include "tollgate/payments/processor_json.h"

namespace tollgate::upstream {
namespace {

PostOutcome Classify500(const Evidence& evidence) {
  if (evidence.has_body) return PostOutcome::kError500;
  // Without a stated length an empty body may have been lost on the way.
  return evidence.framed ? PostOutcome::kEmpty500 : PostOutcome::kUnknown;
}

}  // namespace

bool IsComplete(const Evidence& evidence) {
  return evidence.ended_well && evidence.status != 0 && evidence.headers_whole;
}

PostOutcome ClassifyPost(const Evidence& evidence) {
  if (evidence.status == 0) return evidence.sent ? PostOutcome::kUnknown : PostOutcome::kNotSent;
  // A complete 2xx status line confirms the payment: the processor sends it after its insert. So a
  // cut body changes nothing.
  if (evidence.status / 100 == 2) return PostOutcome::kConfirmed;
  if (evidence.status == 422) return PostOutcome::kDuplicate;  // only leads to a look-up
  // From here an answer would free the payment for another processor, or end it. That takes a
  // complete answer; in doubt the payment stays at this processor.
  if (!IsComplete(evidence)) return PostOutcome::kUnknown;
  switch (evidence.status) {
    case 429:
      return PostOutcome::kOverCapacity;
    case 500:
      return Classify500(evidence);
    case 400:
      return PostOutcome::kInvalid;
    default:
      // Of the 4xx only 400 is about this payment. 401, 403, 404, 405, 413, 415, 431 and similar
      // ones are about a wrong URL, header or proxy: rejecting would lose every payment until an
      // operator corrects it. 408 and 425 ask for a repeat; some servers send 408 unasked on an
      // idle connection. 502, 503 and 504 come from a proxy, while the attempt may still go on.
      // Redirects are not followed. In all these cases the payment waits, visibly, at this
      // processor.
      return PostOutcome::kUnknown;
  }
}

LookupResult ClassifyLookup(const Evidence& evidence, std::string_view body,
                            const payments::Uuid& id) {
  LookupResult result;
  result.http_status = evidence.status;
  if (!IsComplete(evidence)) return result;
  if (evidence.status == 404) {
    result.outcome = LookupOutcome::kAbsent;
  } else if (evidence.status == 200 && evidence.framed) {
    const std::optional<payments::ProcessorPayment> found = payments::ParseProcessorPayment(body);
    if (!found || found->payment.id != id) return result;
    result = {.outcome = LookupOutcome::kFound,
              .payment = found->payment,
              .requested_at_ms = found->requested_at_ms,
              .http_status = evidence.status};
  }
  return result;
}

const char* Name(PostOutcome outcome) {
  switch (outcome) {
    case PostOutcome::kConfirmed:
      return "confirmed";
    case PostOutcome::kNotSent:
      return "not_sent";
    case PostOutcome::kOverCapacity:
      return "over_capacity";
    case PostOutcome::kEmpty500:
      return "empty_500";
    case PostOutcome::kError500:
      return "error_500";
    case PostOutcome::kDuplicate:
      return "duplicate";
    case PostOutcome::kInvalid:
      return "invalid";
    case PostOutcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace tollgate::upstream

#include "tollgate/upstream/processor_protocol.h"

#include <algorithm>

#include "tollgate/payments/timestamp.h"

namespace tollgate::upstream {
namespace {

constexpr std::string_view kHealthPath = "/payments/service-health";
constexpr std::string_view kAdminSummaryPath = "/admin/payments-summary";
constexpr std::string_view kAdminTokenHeader = "X-Rinha-Token";

GetTarget MakeTarget(const ProcessorOptions& processor, std::string_view path) {
  std::string_view base = processor.url;
  while (base.ends_with('/')) base.remove_suffix(1);
  return {.url = std::string(base) + std::string(path),
          .connect_timeout_ms = processor.connect_timeout_ms,
          .answer_timeout_ms = processor.answer_timeout_ms,
          .headers = processor.headers,
          .ca_file = processor.ca_file};
}

// A processor may not parse a year before 1; no payment was requested before 1970.
std::string QueryTime(int64_t unix_ms) {
  return payments::TimestampToString(std::max<int64_t>(unix_ms, 0));
}

}  // namespace

GetTarget MakeHealthTarget(const ProcessorOptions& processor) {
  return MakeTarget(processor, kHealthPath);
}

std::optional<payments::ServiceHealth> ReadHealth(const GetAnswer& answer) {
  if (!answer.complete || answer.status != 200) return std::nullopt;
  return payments::ParseServiceHealth(answer.body);
}

GetTarget MakeAdminSummaryTarget(const ProcessorOptions& processor,
                                 const payments::SummaryRange& range, const std::string& token) {
  GetTarget target = MakeTarget(processor, kAdminSummaryPath);
  // Gives both ends of the range: with only one a processor returns an empty summary.
  target.url += "?from=" + QueryTime(range.from_ms) + "&to=" + QueryTime(range.to_ms);
  target.headers.push_back(std::string(kAdminTokenHeader) + ": " + token);
  return target;
}

AdminSummaryAnswer ReadAdminSummary(const GetAnswer& answer) {
  if (!answer.complete) return {};
  if (answer.status == 401 || answer.status == 403) {
    return {.verdict = AdminSummaryVerdict::kTokenRefused, .summary = {}};
  }
  if (answer.status != 200) return {};
  const auto summary = payments::ParseProcessorSummary(answer.body);
  return {.verdict = summary ? AdminSummaryVerdict::kSummary : AdminSummaryVerdict::kNotUnderstood,
          .summary = summary};
}

}  // namespace tollgate::upstream

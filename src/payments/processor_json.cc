#include "tollgate/payments/processor_json.h"

#include <cstring>

#include "tollgate/payments/json_object.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {

namespace {

char* Put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

size_t FormatProcessorPayment(const Payment& payment, int64_t requested_at_ms, char* out) {
  char* at = Put(out, R"({"correlationId":")");
  FormatUuid(payment.id, at);
  at = Put(at + kUuidTextBytes, R"(","amount":)");
  at += FormatCents(payment.amount_cents, at);
  at = Put(at, R"(,"requestedAt":")");
  FormatTimestampMillis(requested_at_ms, at);
  at = Put(at + kTimestampTextBytes, R"("})");
  return static_cast<size_t>(at - out);
}

std::optional<ProcessorPayment> ParseProcessorPayment(std::string_view body) {
  const auto object = JsonObject::Read(body);
  if (!object) return std::nullopt;
  const auto id = object->Text("correlationId");
  const auto amount = object->Number("amount");
  const auto requested_at = object->Text("requestedAt");
  if (!id || !amount || !requested_at) return std::nullopt;
  const auto uuid = ParseUuid(*id);
  const MoneyResult money = ParseCents(*amount);
  const auto time = ParseTimestampMillis(*requested_at, Rounding::kDown, Zone::kUtcIfAbsent);
  if (!uuid || money.error != MoneyError::kNone || !time.ok()) return std::nullopt;
  const int64_t at_ms = time.value();
  if (at_ms < 1 || at_ms > kRequestedAtMsMax) return std::nullopt;  // 0 means none
  return ProcessorPayment{{*uuid, money.cents}, at_ms};
}

std::optional<ServiceHealth> ParseServiceHealth(std::string_view body) {
  const auto object = JsonObject::Read(body);
  if (!object) return std::nullopt;
  const auto failing = object->Flag("failing");
  const auto min_response_ms = object->Integer("minResponseTime");
  if (!failing || !min_response_ms || *min_response_ms < 0) return std::nullopt;
  return ServiceHealth{.failing = *failing, .min_response_ms = *min_response_ms};
}

std::optional<ProcessorSummary> ParseProcessorSummary(std::string_view body) {
  const auto object = JsonObject::Read(body);
  if (!object) return std::nullopt;
  const auto count = object->Integer("totalRequests");
  const auto amount = object->Number("totalAmount");
  if (!count || *count < 0 || !amount) return std::nullopt;
  const auto cents = ParseTotalCents(*amount);
  if (!cents) return std::nullopt;
  return ProcessorSummary{.count = *count, .amount_cents = *cents};
}

}  // namespace tollgate::payments

#include "tollgate/payments/processor_json.h"

#include <simdjson.h>

#include <cstring>
#include <string>

#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {

namespace {

char* Put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// The text of a member that is a number. The DOM keeps numbers as doubles; the amount's own text is
// what counts, so it is found again. REQUIRES: `body` is an object that has the member.
std::string_view NumberText(std::string_view body, std::string_view quoted_name) {
  const size_t key = body.find(quoted_name);
  if (key == std::string_view::npos) return {};
  size_t begin = body.find(':', key) + 1;
  while (begin < body.size() && std::strchr(" \t\r\n", body[begin]) != nullptr) ++begin;
  const size_t end = body.find_first_of(",} \t\r\n", begin);
  return body.substr(begin, end - begin);
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
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::string_view id;
  std::string_view requested_at;
  simdjson::dom::element amount;
  if (root["correlationId"].get(id) != simdjson::SUCCESS ||
      root["requestedAt"].get(requested_at) != simdjson::SUCCESS ||
      root["amount"].get(amount) != simdjson::SUCCESS || !amount.is_number()) {
    return std::nullopt;
  }
  const MoneyResult money = ParseCents(NumberText(body, "\"amount\""));
  const auto uuid = ParseUuid(id);
  const auto time = ParseTimestampMillis(requested_at, Rounding::kDown, Zone::kUtcIfAbsent);
  if (money.error != MoneyError::kNone || !uuid || !time) return std::nullopt;
  return ProcessorPayment{{*uuid, money.cents}, *time};
}

std::optional<ServiceHealth> ParseServiceHealth(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ServiceHealth health;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
      root["failing"].get(health.failing) != simdjson::SUCCESS ||
      root["minResponseTime"].get(health.min_response_ms) != simdjson::SUCCESS ||
      health.min_response_ms < 0) {
    return std::nullopt;
  }
  return health;
}

std::optional<ProcessorSummary> ParseProcessorSummary(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::element amount;
  ProcessorSummary summary;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS ||
      root["totalRequests"].get(summary.count) != simdjson::SUCCESS || summary.count < 0 ||
      root["totalAmount"].get(amount) != simdjson::SUCCESS || !amount.is_number()) {
    return std::nullopt;
  }
  const auto cents = ParseTotalCents(NumberText(body, "\"totalAmount\""));
  if (!cents) return std::nullopt;
  summary.amount_cents = *cents;
  return summary;
}

}  // namespace tollgate::payments

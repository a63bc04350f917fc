#include "tollgate/payments/payment_json.h"

#include <simdjson.h>

#include <optional>
#include <utility>

#include "tollgate/payments/money.h"

namespace tollgate::payments {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

static_assert(simdjson::SIMDJSON_PADDING <= kJsonPaddingBytes);

constexpr int kDepthMax = 64;
constexpr std::string_view kNotOneObject =
    "body: must be one JSON object, such as {\"correlationId\":\"<uuid>\",\"amount\":19.90}";
constexpr std::string_view kNotJson = "body: is not valid JSON";
constexpr std::string_view kTrailing = "body: must be one whole JSON object with nothing behind it";
constexpr std::string_view kUtf8 = "body: must be valid UTF-8";

std::string_view Trim(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' ||
                            token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

// RFC 8259 section 6, which on-demand parsing does not hold a skipped number to.
bool IsNumber(std::string_view token) { return ParseCents(token).error != MoneyError::kNotANumber; }

// True if `item`, which nobody needs, is valid JSON all the same.
bool IsValid(value item, int depth);

bool IsValidArray(value item, int depth) {
  simdjson::ondemand::array array;
  if (item.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto element : array) {
    value inner;
    if (element.get(inner) != simdjson::SUCCESS || !IsValid(inner, depth + 1)) return false;
  }
  return true;
}

bool IsValidObject(value item, int depth) {
  simdjson::ondemand::object object;
  if (item.get_object().get(object) != simdjson::SUCCESS) return false;
  for (auto member : object) {
    simdjson::ondemand::field field;
    std::string_view key;
    if (std::move(member).get(field) != simdjson::SUCCESS ||
        field.unescaped_key().get(key) != simdjson::SUCCESS || !IsValid(field.value(), depth + 1)) {
      return false;
    }
  }
  return true;
}

bool IsValid(value item, int depth) {
  json_type type{};
  if (depth > kDepthMax || item.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case json_type::array:
      return IsValidArray(item, depth);
    case json_type::object:
      return IsValidObject(item, depth);
    case json_type::string: {
      std::string_view text;
      return item.get_string().get(text) == simdjson::SUCCESS;
    }
    case json_type::number:
      return IsNumber(Trim(item.raw_json_token()));
    case json_type::boolean: {
      bool flag = false;
      return item.get_bool().get(flag) == simdjson::SUCCESS;
    }
    case json_type::null:
      return Trim(item.raw_json_token()) == "null";
  }
  return false;
}

std::string_view MoneyProblem(MoneyError error) {
  switch (error) {
    case MoneyError::kNone:
      return {};
    case MoneyError::kNotANumber:
      return "amount: is not a valid JSON number";
    case MoneyError::kNotPositive:
      return "amount: must be more than zero";
    case MoneyError::kTooLarge:
      return "amount: must be at most 9999999999.99";
    case MoneyError::kTooManyDecimals:
      return "amount: more than two decimal places";
  }
  return kNotJson;
}

struct Members {
  std::optional<Uuid> id;
  std::optional<int64_t> cents;
};

std::string_view ReadId(value item, Members* members) {
  if (members->id.has_value()) return "correlationId: stands twice";
  json_type type{};
  if (item.type().get(type) != simdjson::SUCCESS) return kNotJson;
  if (type != json_type::string) return "correlationId: must be a string with a UUID";
  std::string_view text;
  if (item.get_string().get(text) != simdjson::SUCCESS) return kNotJson;
  members->id = ParseUuid(text);
  if (!members->id.has_value()) {
    return "correlationId: must be a UUID of 36 characters, such as "
           "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
  }
  return {};
}

std::string_view ReadAmount(value item, Members* members) {
  if (members->cents.has_value()) return "amount: stands twice";
  json_type type{};
  if (item.type().get(type) != simdjson::SUCCESS) return kNotJson;
  if (type == json_type::string) return "amount: must be a number, not a string";
  if (type != json_type::number) return "amount: must be a number";
  const MoneyResult result = ParseCents(Trim(item.raw_json_token()));
  members->cents = result.cents;
  return MoneyProblem(result.error);
}

std::string_view ReadMember(simdjson::ondemand::field field, Members* members) {
  std::string_view key;
  if (field.unescaped_key().get(key) != simdjson::SUCCESS) return kNotJson;
  if (key == "correlationId") return ReadId(field.value(), members);
  if (key == "amount") return ReadAmount(field.value(), members);
  return IsValid(field.value(), 1) ? std::string_view{} : kNotJson;
}

std::string_view Problem(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return kUtf8;
  if (error == simdjson::EMPTY) return "body: is empty; send one JSON object";
  return kNotJson;
}

}  // namespace

struct PaymentParser::Impl {
  simdjson::ondemand::parser parser;
};

PaymentParser::PaymentParser(size_t body_bytes_max) : impl_(std::make_unique<Impl>()) {
  // A failure here is out of memory at start-up.
  if (impl_->parser.allocate(body_bytes_max, kDepthMax + 8) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
}

PaymentParser::~PaymentParser() = default;

ParsedPayment PaymentParser::Parse(std::string_view body) {
  simdjson::ondemand::document document;
  const simdjson::padded_string_view padded(body, body.size() + simdjson::SIMDJSON_PADDING);
  if (const auto error = impl_->parser.iterate(padded).get(document)) return {{}, Problem(error)};
  simdjson::ondemand::object object;
  if (const auto error = document.get_object().get(object)) {
    return {{}, error == simdjson::INCORRECT_TYPE ? kNotOneObject : kTrailing};
  }
  Members members;
  for (auto member : object) {
    simdjson::ondemand::field field;
    if (std::move(member).get(field) != simdjson::SUCCESS) return {{}, kNotJson};
    const std::string_view problem = ReadMember(field, &members);
    if (!problem.empty()) return {{}, problem};
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) return {{}, kTrailing};
  if (!members.id.has_value()) return {{}, "correlationId: is missing"};
  if (!members.cents.has_value()) return {{}, "amount: is missing"};
  return {{*members.id, *members.cents}, {}};
}

}  // namespace tollgate::payments

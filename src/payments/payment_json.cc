#include "tollgate/payments/payment_json.h"

#include <simdjson.h>

#include <array>
#include <optional>
#include <utility>

#include "payments/json_walk.h"
#include "tollgate/payments/money.h"

namespace tollgate::payments {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

static_assert(simdjson::SIMDJSON_PADDING <= kJsonPaddingBytes);

constexpr std::string_view kNotOneObject =
    "body: must be one JSON object, such as {\"correlationId\":\"<uuid>\",\"amount\":19.90}";
constexpr std::string_view kNotJson = "body: is not valid JSON";
constexpr std::string_view kTrailing = "body: must be one whole JSON object with nothing behind it";
constexpr std::string_view kUtf8 = "body: must be valid UTF-8";
constexpr std::string_view kTooDeep = "body: is nested more than 64 deep";
static_assert(kJsonDepthMax == 64);
constexpr std::string_view kByteOrderMark =
    "body: begins with a byte order mark, which JSON has none of; send it without";
constexpr std::string_view kIdName = "correlationId";
constexpr std::string_view kAmountName = "amount";

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

// An id without escapes, which is usual, is parsed in place.
std::optional<Uuid> ToId(const char* raw) {
  if (raw[kUuidTextBytes] == '"') {
    if (const auto id = ParseUuid({raw, kUuidTextBytes})) return id;
  }
  std::array<char, kUuidTextBytes> text;
  const JsonText read = ReadJsonText(raw, text.data(), text.size());
  if (read.kind != JsonTextKind::kText || read.bytes != text.size()) return std::nullopt;
  return ParseUuid({text.data(), text.size()});
}

std::string_view ReadId(value item, Members* members) {
  if (members->id.has_value()) return "correlationId: stands twice";
  json_type type{};
  if (item.type().get(type) != simdjson::SUCCESS) return kNotJson;
  if (type != json_type::string) return "correlationId: must be a string with a UUID";
  simdjson::ondemand::raw_json_string text;
  if (item.get_raw_json_string().get(text) != simdjson::SUCCESS) return kNotJson;
  members->id = ToId(text.raw());
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
  const MoneyResult result = ParseCents(JsonToken(item));
  members->cents = result.cents;
  return MoneyProblem(result.error);
}

// Reads a member with another name, or with one of these names written with escapes.
std::string_view ReadOther(simdjson::ondemand::field field, Members* members) {
  std::array<char, 16> text;
  static_assert(kIdName.size() <= text.size() && kAmountName.size() <= text.size());
  const JsonText read = ReadJsonText(field.key().raw(), text.data(), text.size());
  if (read.kind == JsonTextKind::kNotJson) return kNotJson;
  if (read.kind == JsonTextKind::kText && read.bytes <= text.size()) {
    const std::string_view name(text.data(), read.bytes);
    if (name == kIdName) return ReadId(field.value(), members);
    if (name == kAmountName) return ReadAmount(field.value(), members);
  }
  switch (CheckJson(field.value(), 1)) {
    case JsonVerdict::kFine:
      return {};
    case JsonVerdict::kTooDeep:
      return kTooDeep;
    case JsonVerdict::kNotJson:
      break;
  }
  return kNotJson;
}

std::string_view ReadMember(simdjson::ondemand::field field, Members* members) {
  const char* const name = field.key().raw();
  if (JsonTextIs(name, kIdName)) return ReadId(field.value(), members);
  if (JsonTextIs(name, kAmountName)) return ReadAmount(field.value(), members);
  return ReadOther(field, members);
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
  // allocate() fails only without memory at start-up.
  if (impl_->parser.allocate(body_bytes_max, kJsonDepthMax + 8) != simdjson::SUCCESS) {
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
    if (body.starts_with("\xef\xbb\xbf")) return {{}, kByteOrderMark};
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

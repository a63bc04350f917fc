#include "payments/json_walk.h"

#include <utility>

#include "tollgate/payments/money.h"

namespace tollgate::payments {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

// Writes bytes into a buffer as far as there is room. It counts all of them.
class Sink {
 public:
  Sink(char* out, size_t room) : out_(out), room_(room) {}
  void Put(char c) {
    if (bytes_ < room_) out_[bytes_] = c;
    ++bytes_;
  }
  // Writes the code point in UTF-8 (RFC 3629).
  void PutCodePoint(uint32_t point) {
    if (point < 0x80) return Put(static_cast<char>(point));
    if (point < 0x800) {
      Put(static_cast<char>(0xC0U | point >> 6U));
    } else {
      if (point < 0x10000) {
        Put(static_cast<char>(0xE0U | point >> 12U));
      } else {
        Put(static_cast<char>(0xF0U | point >> 18U));
        Put(static_cast<char>(0x80U | (point >> 12U & 0x3FU)));
      }
      Put(static_cast<char>(0x80U | (point >> 6U & 0x3FU)));
    }
    Put(static_cast<char>(0x80U | (point & 0x3FU)));
  }
  size_t bytes() const { return bytes_; }

 private:
  char* out_;
  size_t room_;
  size_t bytes_ = 0;
};

constexpr uint32_t kNoCodeUnit = 0x10000;

// Reads the four hexadecimal digits at `raw`. The string may end first: a quote is no digit.
uint32_t CodeUnit(const char* raw) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = raw[i];
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      digit = static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return kNoCodeUnit;
    }
    unit = unit << 4U | digit;
  }
  return unit;
}

bool IsHighHalf(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowHalf(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// The character for a letter after a backslash. 0 if there is none.
char PlainEscape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

// Reads the escape "\uXXXX" at `raw`, and the next one too if they are a surrogate pair. Returns
// the bytes read, or 0 if the escape is invalid. Sets `half` for half of a pair.
size_t ReadUnicode(const char* raw, Sink& sink, bool& half) {
  const uint32_t unit = CodeUnit(raw + 2);
  if (unit == kNoCodeUnit) return 0;
  if (IsHighHalf(unit) && raw[6] == '\\' && raw[7] == 'u') {
    const uint32_t low = CodeUnit(raw + 8);
    if (IsLowHalf(low)) {
      sink.PutCodePoint(0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00));
      return 12;
    }
  }
  half = half || IsHighHalf(unit) || IsLowHalf(unit);
  sink.PutCodePoint(unit);
  return 6;
}

JsonVerdict CheckArray(value item, int depth) {
  simdjson::ondemand::array array;
  if (item.get_array().get(array) != simdjson::SUCCESS) return JsonVerdict::kNotJson;
  for (auto element : array) {
    value inner;
    if (element.get(inner) != simdjson::SUCCESS) return JsonVerdict::kNotJson;
    const JsonVerdict verdict = CheckJson(inner, depth + 1);
    if (verdict != JsonVerdict::kFine) return verdict;
  }
  return JsonVerdict::kFine;
}

bool IsText(const char* raw) {
  return ReadJsonText(raw, nullptr, 0).kind != JsonTextKind::kNotJson;
}

JsonVerdict CheckObject(value item, int depth) {
  simdjson::ondemand::object object;
  if (item.get_object().get(object) != simdjson::SUCCESS) return JsonVerdict::kNotJson;
  for (auto member : object) {
    simdjson::ondemand::field field;
    if (std::move(member).get(field) != simdjson::SUCCESS || !IsText(field.key().raw())) {
      return JsonVerdict::kNotJson;
    }
    const JsonVerdict verdict = CheckJson(field.value(), depth + 1);
    if (verdict != JsonVerdict::kFine) return verdict;
  }
  return JsonVerdict::kFine;
}

JsonVerdict FineIf(bool fine) { return fine ? JsonVerdict::kFine : JsonVerdict::kNotJson; }

}  // namespace

std::string_view JsonToken(value& item) {
  std::string_view token = item.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' ||
                            token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

JsonText ReadJsonText(const char* raw, char* out, size_t room) {
  Sink sink(out, room);
  bool half = false;
  while (*raw != '"') {
    if (*raw != '\\') {
      sink.Put(*raw++);
      continue;
    }
    size_t taken = 2;
    if (raw[1] == 'u') {
      taken = ReadUnicode(raw, sink, half);
      if (taken == 0) return {};
    } else {
      const char plain = PlainEscape(raw[1]);
      if (plain == '\0') return {};
      sink.Put(plain);
    }
    raw += taken;
  }
  return {half ? JsonTextKind::kHalfPair : JsonTextKind::kText, sink.bytes()};
}

JsonVerdict CheckJson(value item, int depth) {
  json_type type{};
  if (item.type().get(type) != simdjson::SUCCESS) return JsonVerdict::kNotJson;
  switch (type) {
    case json_type::array:
      return depth > kJsonDepthMax ? JsonVerdict::kTooDeep : CheckArray(item, depth);
    case json_type::object:
      return depth > kJsonDepthMax ? JsonVerdict::kTooDeep : CheckObject(item, depth);
    case json_type::string: {
      simdjson::ondemand::raw_json_string raw;
      return FineIf(item.get_raw_json_string().get(raw) == simdjson::SUCCESS && IsText(raw.raw()));
    }
    case json_type::number:
      return FineIf(IsJsonNumber(JsonToken(item)));
    case json_type::boolean: {
      bool flag = false;
      return FineIf(item.get_bool().get(flag) == simdjson::SUCCESS);
    }
    case json_type::null:
      return FineIf(JsonToken(item) == "null");
  }
  return JsonVerdict::kNotJson;
}

}  // namespace tollgate::payments

#include "tollgate/payments/json_object.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "payments/json_walk.h"

namespace tollgate::payments {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;

JsonTextKind Unescape(const char* raw, std::string& text) {
  const JsonText read = ReadJsonText(raw, nullptr, 0);
  text.resize(read.bytes);
  ReadJsonText(raw, text.data(), text.size());
  return read.kind;
}

}  // namespace

struct JsonObject::Reader {
  // Returns false if it is not JSON or a member is repeated.
  bool Take(simdjson::ondemand::field field) {
    Member member;
    const JsonTextKind name = Unescape(field.key().raw(), member.name);
    if (name == JsonTextKind::kNotJson) return false;
    value item = field.value();
    json_type type{};
    if (item.type().get(type) != simdjson::SUCCESS || !TakeValue(item, type, member)) return false;
    // A name with half of a surrogate pair is no text. It cannot be compared and is never used.
    if (name == JsonTextKind::kHalfPair) return true;
    if (object.Has(member.name)) return false;
    object.members_.push_back(std::move(member));
    return true;
  }

  bool TakeValue(value& item, json_type type, Member& member) const {
    switch (type) {
      case json_type::string: {
        simdjson::ondemand::raw_json_string raw;
        if (item.get_raw_json_string().get(raw) != simdjson::SUCCESS) return false;
        const JsonTextKind kind = Unescape(raw.raw(), member.text);
        member.kind = kind == JsonTextKind::kText ? Kind::kText : Kind::kOther;
        return kind != JsonTextKind::kNotJson;
      }
      case json_type::number:
        member.kind = Kind::kNumber;
        member.text = JsonToken(item);
        break;
      case json_type::boolean:
        member.kind = Kind::kFlag;
        member.text = JsonToken(item).substr(0, 1);
        break;
      case json_type::array:
      case json_type::object:
      case json_type::null:
        break;
    }
    return CheckJson(item, 1) == JsonVerdict::kFine;
  }

  JsonObject object;
};

std::optional<JsonObject> JsonObject::Read(std::string_view text) {
  const simdjson::padded_string padded(text);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  Reader reader;
  for (auto member : object) {
    simdjson::ondemand::field field;
    if (std::move(member).get(field) != simdjson::SUCCESS || !reader.Take(field)) {
      return std::nullopt;
    }
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) return std::nullopt;
  return std::move(reader.object);
}

const JsonObject::Member* JsonObject::Find(std::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Member& member) { return member.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

const JsonObject::Member* JsonObject::Find(std::string_view name, Kind kind) const {
  const Member* const member = Find(name);
  return member != nullptr && member->kind == kind ? member : nullptr;
}

std::optional<std::string_view> JsonObject::Text(std::string_view name) const {
  const Member* const member = Find(name, Kind::kText);
  return member == nullptr ? std::nullopt : std::optional<std::string_view>(member->text);
}

std::optional<std::string_view> JsonObject::Number(std::string_view name) const {
  const Member* const member = Find(name, Kind::kNumber);
  return member == nullptr ? std::nullopt : std::optional<std::string_view>(member->text);
}

std::optional<int64_t> JsonObject::Integer(std::string_view name) const {
  const auto digits = Number(name);
  if (!digits) return std::nullopt;
  int64_t number = 0;
  const char* const end = digits->data() + digits->size();
  const auto [at, error] = std::from_chars(digits->data(), end, number);
  return error == std::errc{} && at == end ? std::optional<int64_t>(number) : std::nullopt;
}

std::optional<bool> JsonObject::Flag(std::string_view name) const {
  const Member* const member = Find(name, Kind::kFlag);
  return member == nullptr ? std::nullopt : std::optional<bool>(member->text == "t");
}

}  // namespace tollgate::payments

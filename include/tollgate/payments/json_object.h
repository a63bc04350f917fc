// JsonObject: the members of one JSON object, with their values as text. It uses simdjson and is
// stricter: one document with nothing after it, and no member twice. Members that are not used must
// be valid JSON too. It reads processors' answers and other JSON that is not in a payment's usual
// path.
//
// Thread: a value type. Read is a pure function. It allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::payments {

class JsonObject {
 public:
  // Empty if `text` is not fully understood: no JSON, no object, nested more than 64 deep, or with
  // a repeated member.
  static std::optional<JsonObject> Read(std::string_view text);

  // A member's value. Empty if it is absent or of another type. Escapes in a string are replaced. A
  // string with half of a surrogate pair has no value.
  std::optional<std::string_view> Text(std::string_view name) const;
  // The digits as written, without conversion to a binary float.
  std::optional<std::string_view> Number(std::string_view name) const;
  // A number without point and exponent that fits 64 bits.
  std::optional<int64_t> Integer(std::string_view name) const;
  std::optional<bool> Flag(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }

 private:
  enum class Kind : uint8_t { kText, kNumber, kFlag, kOther };
  struct Member {
    std::string name;
    Kind kind = Kind::kOther;
    std::string text;  // of a flag: its first letter
  };
  struct Reader;
  const Member* Find(std::string_view name) const;
  const Member* Find(std::string_view name, Kind kind) const;

  std::vector<Member> members_;
};

}  // namespace tollgate::payments

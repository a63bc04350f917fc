// JsonObject: the members of one JSON object, as they were written, read by simdjson and stricter
// than it: one document with nothing behind it, no member twice, members that nobody asks for are
// JSON as well. For answers of processors and the like, off the usual way of a payment.
//
// Thread: a value type; Read is a pure function. It allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::payments {

class JsonObject {
 public:
  // Nothing if `text` is not wholly understood: no JSON, no object, nested more than 64 deep, or
  // with something twice.
  static std::optional<JsonObject> Read(std::string_view text);

  // A member's value, or nothing if it is absent or of another type. A string is what it says,
  // without escapes; one with half a surrogate pair says nothing.
  std::optional<std::string_view> Text(std::string_view name) const;
  // The digits as they stand there: no binary float comes between.
  std::optional<std::string_view> Number(std::string_view name) const;
  // A number written without point and exponent that 64 bits hold.
  std::optional<int64_t> Integer(std::string_view name) const;
  std::optional<bool> Flag(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }

 private:
  enum class Kind : uint8_t { kText, kNumber, kFlag, kOther };
  struct Member {
    std::string name;
    Kind kind = Kind::kOther;
    std::string text;  // of a flag its first letter
  };
  struct Reader;
  const Member* Find(std::string_view name) const;
  const Member* Find(std::string_view name, Kind kind) const;

  std::vector<Member> members_;
};

}  // namespace tollgate::payments

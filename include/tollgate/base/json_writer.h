// JsonWriter: writes one JSON text (RFC 8259) behind what a string holds. It sets the commas and
// escapes the strings.
//
//   JsonWriter json(out);
//   json.BeginObject().Key("state").String("booked").Key("attempt").Number(2).EndObject();
//
// writes {"state":"booked","attempt":2}. It writes no blanks, and line breaks where it is told to.
//
// Thread: one at a time.
// Owns: nothing. The string must outlive the writer.
// Invariants: the brackets match, each member has one name and one value, and there is one text. A
// call that breaks this is a programmer error (TG_ASSERT).
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::base {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& BeginObject() { return Begin('{', true); }
  JsonWriter& EndObject() { return End('}', true); }
  JsonWriter& BeginArray() { return Begin('[', false); }
  JsonWriter& EndArray() { return End(']', false); }
  // The name of the next member.
  JsonWriter& Key(std::string_view name);

  // A byte that is not UTF-8 becomes U+FFFD, so the JSON is valid whatever the text is.
  JsonWriter& String(std::string_view text);
  template <std::integral Integer>
  JsonWriter& Number(Integer number) {
    static_assert(!std::same_as<Integer, bool> && !std::same_as<Integer, char>);
    std::array<char, kIntegerBytesMax> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return Decimal({text.data(), end});
  }
  // `number` as it is. REQUIRES: it is a JSON number, such as payments::CentsToString makes.
  JsonWriter& Decimal(std::string_view number) { return Value(number); }
  JsonWriter& Bool(bool value) { return Value(value ? "true" : "false"); }
  JsonWriter& Null() { return Value("null"); }

  // The member or item that comes next begins a line, unless it is the first in its brackets.
  JsonWriter& BreakLine();

 private:
  static constexpr size_t kIntegerBytesMax = 20;  // of the lowest int64_t and the highest uint64_t
  static constexpr uint32_t kDepthMax = 64;       // bits of objects_

  bool InObject() const { return depth_ != 0 && (objects_ >> (depth_ - 1) & 1U) != 0; }
  JsonWriter& Begin(char bracket, bool object);
  JsonWriter& End(char bracket, bool object);
  JsonWriter& Value(std::string_view json);
  void BeforeValue();
  void Separate();

  std::string& out_;
  uint64_t objects_ = 0;  // a bit per open bracket, the outermost lowest: it is an object's
  uint32_t depth_ = 0;    // open brackets
  bool comma_due_ = false;
  bool line_break_due_ = false;
  bool value_due_ = false;  // a member's name has been written
};

}  // namespace tollgate::base

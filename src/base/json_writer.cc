#include "tollgate/base/json_writer.h"

#include <algorithm>

#include "tollgate/base/assert.h"
#include "tollgate/base/text.h"

namespace tollgate::base {
namespace {

bool StandsForItself(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// The first character of `text`, or its first byte if that is not UTF-8. Returns its bytes.
size_t AppendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const size_t bytes = Utf8Bytes(text);
  const auto first = static_cast<unsigned char>(text.front());
  if (bytes == 0) {
    out += "\\ufffd";
    return 1;
  }
  if (first < 0x20) {
    out += "\\u00";
    out += kHex[first >> 4U];
    out += kHex[first & 0xFU];
    return 1;
  }
  if (bytes == 1) out += '\\';  // a quote or a backslash
  out += text.substr(0, bytes);
  return bytes;
}

// RFC 8259 section 7.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto* const special = std::find_if_not(text.begin(), text.end(), &StandsForItself);
    const auto plain = static_cast<size_t>(special - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) text.remove_prefix(AppendEscaped(out, text));
  }
  out += '"';
}

}  // namespace

JsonWriter& JsonWriter::Key(std::string_view name) {
  TG_ASSERT(InObject() && !value_due_);
  Separate();
  AppendQuoted(out_, name);
  out_ += ':';
  value_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  BeforeValue();
  AppendQuoted(out_, text);
  return *this;
}

JsonWriter& JsonWriter::BreakLine() {
  TG_ASSERT(depth_ != 0 && !value_due_);
  line_break_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::Begin(char bracket, bool object) {
  TG_ASSERT(depth_ < kDepthMax);
  BeforeValue();
  out_ += bracket;
  const uint64_t bit = uint64_t{1} << depth_;
  objects_ = object ? objects_ | bit : objects_ & ~bit;
  ++depth_;
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::End(char bracket, bool object) {
  TG_ASSERT(depth_ != 0 && InObject() == object && !value_due_ && !line_break_due_);
  out_ += bracket;
  --depth_;
  comma_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::Value(std::string_view json) {
  BeforeValue();
  out_ += json;
  return *this;
}

void JsonWriter::BeforeValue() {
  TG_ASSERT(InObject() == value_due_);
  if (!value_due_) Separate();
  value_due_ = false;
  comma_due_ = true;
}

void JsonWriter::Separate() {
  TG_ASSERT(depth_ != 0 || !comma_due_);  // a second text
  if (comma_due_) out_ += line_break_due_ ? ",\n" : ",";
  line_break_due_ = false;
}

}  // namespace tollgate::base

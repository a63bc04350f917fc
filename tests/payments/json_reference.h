// The grammar of RFC 8259, read byte by byte: what is JSON and what is not. Its only limit is the
// stack. Parsers are compared with it.
//
// Thread: pure functions.
#pragma once

#include <string_view>

#include "tollgate/base/text.h"

namespace tollgate::payments::testing {

class JsonReference {
 public:
  // True if all of `text` is one JSON value in valid UTF-8, with optional white space around it.
  static bool IsJson(std::string_view text) {
    JsonReference reader(text);
    return reader.Value() && (reader.Blanks(), reader.text_.empty());
  }
  // How deep its arrays and objects nest, for any text.
  static size_t DepthOf(std::string_view text) {
    size_t depth = 0;
    size_t most = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
      if (in_string) {
        if (text[i] == '\\')
          ++i;
        else if (text[i] == '"')
          in_string = false;
      } else if (text[i] == '"') {
        in_string = true;
      } else if (text[i] == '[' || text[i] == '{') {
        most = ++depth > most ? depth : most;
      } else if ((text[i] == ']' || text[i] == '}') && depth > 0) {
        --depth;
      }
    }
    return most;
  }

 private:
  explicit JsonReference(std::string_view text) : text_(text) {}

  char Peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool Take(std::string_view wanted) {
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(wanted.size());
    return true;
  }
  void Blanks() {
    while (Take(" ") || Take("\t") || Take("\n") || Take("\r")) {
    }
  }
  bool Digits() {
    size_t count = 0;
    for (; Peek() >= '0' && Peek() <= '9'; ++count) text_.remove_prefix(1);
    return count > 0;
  }
  bool Number() {
    Take("-");
    if (!Take("0") && !Digits()) return false;
    if (Take(".") && !Digits()) return false;
    if (!Take("e") && !Take("E")) return true;
    if (!Take("+")) Take("-");
    return Digits();
  }
  bool Escape() {
    constexpr std::string_view kPlain = "\"\\/bfnrt";
    if (Peek() != '\0' && kPlain.find(Peek()) != std::string_view::npos)
      return Take({&text_[0], 1});
    if (!Take("u")) return false;
    for (int i = 0; i < 4; ++i) {
      constexpr std::string_view kHex = "0123456789abcdefABCDEF";
      if (text_.empty() || kHex.find(Peek()) == std::string_view::npos) return false;
      text_.remove_prefix(1);
    }
    return true;
  }
  bool String() {
    if (!Take("\"")) return false;
    while (!Take("\"")) {
      if (Take("\\")) {
        if (!Escape()) return false;
        continue;
      }
      const size_t bytes = base::Utf8Bytes(text_);
      if (bytes == 0 || static_cast<unsigned char>(Peek()) < 0x20) return false;
      text_.remove_prefix(bytes);
    }
    return true;
  }
  bool Array() {
    if (Blanks(), Take("]")) return true;
    do {
      if (!Value()) return false;
    } while (Blanks(), Take(","));
    return Take("]");
  }
  bool Object() {
    if (Blanks(), Take("}")) return true;
    do {
      if (Blanks(), !String()) return false;
      if (Blanks(), !Take(":")) return false;
      if (!Value()) return false;
    } while (Blanks(), Take(","));
    return Take("}");
  }
  bool Value() {
    Blanks();
    if (Take("[")) return Array();
    if (Take("{")) return Object();
    if (Peek() == '"') return String();
    if (Take("true") || Take("false") || Take("null")) return true;
    return Number();
  }

  std::string_view text_;
};

}  // namespace tollgate::payments::testing

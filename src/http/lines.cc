#include "http/lines.h"

namespace tollgate::http {
namespace {

constexpr size_t kSizeDigitsMax = 8;

std::string_view WithoutSpaceBefore(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

// Takes a token from the front of `text`. Returns false if there is none.
bool TakeToken(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && AllOf<kToken>(text.substr(length, 1))) ++length;
  text.remove_prefix(length);
  return length > 0;
}

// Takes a quoted-string from the front. The caller has checked that all are field characters.
bool TakeQuoted(std::string_view& text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') ++i;  // skips the escaped character
  }
  return false;
}

// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
bool AreExtensions(std::string_view text) {
  while (!text.empty()) {
    text = WithoutSpaceBefore(text);
    if (text.empty() || text.front() != ';') return false;
    text = WithoutSpaceBefore(text.substr(1));
    if (!TakeToken(text)) return false;
    std::string_view value = WithoutSpaceBefore(text);
    if (value.empty() || value.front() != '=') continue;
    value = WithoutSpaceBefore(value.substr(1));
    const bool quoted = !value.empty() && value.front() == '"';
    if (quoted ? !TakeQuoted(value) : !TakeToken(value)) return false;
    text = value;
  }
  return true;
}

}  // namespace

std::string_view ReadChunkLine(std::string_view line, ChunkLine& chunk) {
  size_t bytes = 0;
  size_t digits = 0;
  for (; digits < line.size(); ++digits) {
    const char lower = ToLower(line[digits]);
    const bool decimal = lower >= '0' && lower <= '9';
    if (!decimal && (lower < 'a' || lower > 'f')) break;
    if (digits == kSizeDigitsMax) return "a chunk's size has too many digits";
    bytes = bytes * 16 + static_cast<size_t>(decimal ? lower - '0' : lower - 'a' + 10);
  }
  if (digits == 0) return "a chunk must begin with its size, a hexadecimal number";
  const std::string_view extensions = line.substr(digits);
  if (!AllOf<kField>(extensions) || !AreExtensions(extensions)) {
    return "a chunk's size is followed by what is no chunk extension";
  }
  chunk = {.chunk_bytes = bytes, .extension_bytes = extensions.size()};
  return {};
}

}  // namespace tollgate::http

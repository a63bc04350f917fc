#include "tollgate/base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tollgate::base {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

uint8_t ByteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

// True if a line can show the character of `bytes` bytes at the beginning of `text`.
bool IsShown(std::string_view text, size_t bytes) {
  const uint8_t first = ByteAt(text, 0);
  if (bytes == 1) return first >= 0x20 && first != 0x7F;
  if (bytes == 2) return first != 0xC2 || ByteAt(text, 1) >= 0xA0;  // U+0080 to U+009F
  const std::string_view character = text.substr(0, bytes);
  return bytes != 0 && character != "\xE2\x80\xA8" && character != "\xE2\x80\xA9";
}

}  // namespace

size_t Utf8Bytes(std::string_view text) {
  if (text.empty()) return 0;
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return 1;
  const size_t bytes = first < 0xC2   ? 0
                       : first < 0xE0 ? 2
                       : first < 0xF0 ? 3
                       : first < 0xF5 ? 4
                                      : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((ByteAt(text, i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, halves of surrogate pairs, and code points beyond U+10FFFF are invalid.
  const uint8_t second = ByteAt(text, 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return bytes;
}

bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = Utf8Bytes(text);
    if (!IsShown(text, bytes)) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string Printable(std::string_view text, size_t bytes_max) {
  std::string shown;
  const size_t whole = text.size();
  shown.reserve(std::min(whole, bytes_max));
  while (!text.empty() && whole - text.size() < bytes_max) {
    const size_t bytes = Utf8Bytes(text);
    if (IsShown(text, bytes)) {
      shown += text.substr(0, bytes);
      text.remove_prefix(bytes);
      continue;
    }
    const uint8_t byte = ByteAt(text, 0);
    shown += "\\x";
    shown += kHex[byte >> 4U];
    shown += kHex[byte & 0xFU];
    text.remove_prefix(1);
  }
  if (!text.empty()) shown += "… (" + std::to_string(text.size()) + " more bytes)";
  return shown;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* const end = text.data() + i + 3;
    if (std::from_chars(text.data() + i + 1, end, byte, 16).ptr != end) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

}  // namespace tollgate::base

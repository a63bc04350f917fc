// The character classes of RFC 9110 section 5.6.2 and RFC 3986, as tables, and checks of whole
// texts against them.
//
// Thread: constants and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tollgate/base/byte_words.h"

namespace tollgate::http {

inline constexpr uint8_t kToken = 1;   // tchar
inline constexpr uint8_t kField = 2;   // field-vchar, SP, HTAB and obs-text
inline constexpr uint8_t kTarget = 4;  // visible ASCII, for all parts of the target
inline constexpr uint8_t kHost = 8;    // reg-name, IP literals, port

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kHostMarks = "-._~%!$&'()*+,;=:[]";
  for (unsigned c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    uint8_t bits = 0;
    if (alphanumeric || kTokenMarks.find(character) != std::string_view::npos) bits |= kToken;
    if (alphanumeric || kHostMarks.find(character) != std::string_view::npos) bits |= kHost;
    if (c == '\t' || (c >= 0x20 && c != 0x7F)) bits |= kField;
    if (c > 0x20 && c < 0x7F) bits |= kTarget;
    classes[c] = bits;
  }
  return classes;
}
inline constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

// True if every character of `text` is in the class. It looks at each character by itself.
inline bool AllOfByTable(std::string_view text, uint8_t wanted) {
  uint8_t all = wanted;
  for (const char c : text) all &= kClasses[static_cast<unsigned char>(c)];
  return all == wanted;
}

// The same. It looks at eight characters at once first. That check says yes to the usual texts of a
// class and to none that is outside it. What it says no to, the table decides.
template <uint8_t kWanted>
bool AllOf(std::string_view text) {
  static_assert(kWanted == kToken || kWanted == kField || kWanted == kTarget || kWanted == kHost);
  const auto usual = [](uint64_t word) {
    if constexpr (kWanted == kField) return base::words::HasNoControls(word);
    if constexpr (kWanted == kTarget) return base::words::IsVisible(word);
    if constexpr (kWanted == kToken) return base::words::IsAlphanumericOrDash(word);
    if constexpr (kWanted == kHost) return base::words::IsUsualHost(word);
  };
  return base::words::AllWords(text, usual) || AllOfByTable(text, kWanted);
}

// ASCII only, independent of the locale.
inline char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ToLower(a[i]) != ToLower(b[i])) return false;
  }
  return true;
}

// The same where `name` is a token and `lower` has lower-case letters and dashes only: of all token
// characters, only a letter differs from them in this one bit.
inline bool IsNamed(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && base::words::EqualsWithBit(name, lower, 0x20);
}

// Removes spaces and tabs at both ends (OWS).
inline std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace tollgate::http

// Eight characters of a text in one 64-bit word, checked together.
//
// Thread: pure functions.
// Source: Warren, "Hacker's Delight", chapter 6 (a zero byte in a word); Mycroft's test. No check
// depends on the order of the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tollgate::base::words {

// `byte` in each byte.
constexpr uint64_t Each(uint8_t byte) { return 0x0101010101010101U * byte; }
inline constexpr uint64_t kHighBits = Each(0x80);

// The characters from `at` on, as the machine orders bytes.
template <typename Number>
Number Load(const char* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof(number));
  return number;
}

// True if `check` is true for all words that cover `text`. Words may overlap. False for a text of
// less than four characters, which is not looked at.
template <typename Check>
bool AllWords(std::string_view text, Check check) {
  const char* const at = text.data();
  const size_t size = text.size();
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (!check(Load<uint64_t>(at + i))) return false;
    }
    return check(Load<uint64_t>(at + size - 8));
  }
  if (size < 4) return false;
  const uint64_t first = Load<uint32_t>(at);
  const uint64_t last = Load<uint32_t>(at + size - 4);
  return check(first | last << 32U);
}

// The high bit of each byte that is in [low, high]. REQUIRES: all bytes and bounds are ASCII.
constexpr uint64_t InRange(uint64_t word, uint8_t low, uint8_t high) {
  const uint64_t at_least_low = word + Each(static_cast<uint8_t>(0x80 - low));
  const uint64_t above_high = word + Each(static_cast<uint8_t>(0x7F - high));
  return at_least_low & ~above_high & kHighBits;
}

// True if a byte is zero.
constexpr bool HasZero(uint64_t word) { return ((word - Each(1)) & ~word & kHighBits) != 0; }
// True if a byte is below `bound`, which is at most 0x80.
constexpr bool HasBelow(uint64_t word, uint8_t bound) {
  return ((word - Each(bound)) & ~word & kHighBits) != 0;
}

// No control characters: 0x20 to 0x7E, and all above ASCII. A tab is a control character here.
constexpr bool HasNoControls(uint64_t word) {
  return !HasBelow(word, 0x20) && !HasZero(word ^ Each(0x7F));
}
// Visible ASCII.
constexpr bool IsVisible(uint64_t word) {
  return (word & kHighBits) == 0 && !HasBelow(word, 0x21) && !HasZero(word ^ Each(0x7F));
}
// Letters, digits and '-', as most names of fields have.
constexpr bool IsAlphanumericOrDash(uint64_t word) {
  if ((word & kHighBits) != 0) return false;
  const uint64_t letters = InRange(word | Each(0x20), 'a', 'z');
  return (letters | InRange(word, '0', '9') | InRange(word, '-', '-')) == kHighBits;
}
constexpr bool IsHex(uint64_t word) {
  if ((word & kHighBits) != 0) return false;
  return (InRange(word, '0', '9') | InRange(word | Each(0x20), 'a', 'f')) == kHighBits;
}
// Letters, digits, '-', '.' and ':', as most hosts have.
constexpr bool IsUsualHost(uint64_t word) {
  if ((word & kHighBits) != 0) return false;
  const uint64_t letters = InRange(word | Each(0x20), 'a', 'z');
  return (letters | InRange(word, '0', ':') | InRange(word, '-', '.')) == kHighBits;
}

// True if `a` with `bit` set in each character is `b`. REQUIRES: the sizes are the same.
inline bool EqualsWithBit(std::string_view a, std::string_view b, uint8_t bit) {
  const auto differ = [&](size_t at) {
    return ((Load<uint64_t>(a.data() + at) | Each(bit)) ^ Load<uint64_t>(b.data() + at)) != 0;
  };
  size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    if (differ(i)) return false;
  }
  if (i != 0) return i == a.size() || !differ(a.size() - 8);
  for (; i < a.size(); ++i) {
    if ((a[i] | bit) != b[i]) return false;
  }
  return true;
}

}  // namespace tollgate::base::words

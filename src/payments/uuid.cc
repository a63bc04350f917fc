#include "tollgate/payments/uuid.h"

#include <array>
#include <bit>

#include "tollgate/base/byte_words.h"

namespace tollgate::payments {

namespace {

constexpr char kDigits[] = "0123456789abcdef";

// Eight digits are checked and read together, in one word whose lowest byte is the first digit.
static_assert(std::endian::native == std::endian::little);
using base::words::Each;
using base::words::IsHex;

uint64_t EightAt(const char* at) { return base::words::Load<uint64_t>(at); }
uint64_t FourAt(const char* at) { return base::words::Load<uint32_t>(at); }

// REQUIRES: IsHex(word).
uint64_t HexValue(uint64_t word) {
  // A letter has bit 6, and 'a' has 1 in its lower half.
  const uint64_t nibbles = (word & Each(0x0F)) + 9 * (word >> 6U & Each(1));
  // The first digit of two is the upper half of a byte.
  const uint64_t bytes = (nibbles << 4U | nibbles >> 8U) & 0x00FF00FF00FF00FFU;
  const uint64_t pairs = (bytes << 8U | bytes >> 16U) & 0x0000FFFF0000FFFFU;
  return (pairs << 16U | pairs >> 32U) & 0xFFFFFFFFU;
}

bool IsDash(size_t index) { return index == 8 || index == 13 || index == 18 || index == 23; }

}  // namespace

std::optional<Uuid> ParseUuid(std::string_view text) {
  if (text.size() != kUuidTextBytes) return std::nullopt;
  const char* const at = text.data();
  if (at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-') return std::nullopt;
  const std::array<uint64_t, 4> parts{EightAt(at), FourAt(at + 9) | FourAt(at + 14) << 32U,
                                      FourAt(at + 19) | FourAt(at + 24) << 32U, EightAt(at + 28)};
  if (!IsHex(parts[0]) || !IsHex(parts[1]) || !IsHex(parts[2]) || !IsHex(parts[3])) {
    return std::nullopt;
  }
  return Uuid{HexValue(parts[0]) << 32U | HexValue(parts[1]),
              HexValue(parts[2]) << 32U | HexValue(parts[3])};
}

void FormatUuid(const Uuid& id, char* out) {
  unsigned nibble = 0;
  for (size_t i = 0; i < kUuidTextBytes; ++i) {
    if (IsDash(i)) {
      out[i] = '-';
      continue;
    }
    const uint64_t word = nibble < 16 ? id.high : id.low;
    out[i] = kDigits[word >> (60 - 4 * (nibble % 16)) & 0xFU];
    ++nibble;
  }
}

std::string ToString(const Uuid& id) {
  std::string text(kUuidTextBytes, '\0');
  FormatUuid(id, text.data());
  return text;
}

}  // namespace tollgate::payments

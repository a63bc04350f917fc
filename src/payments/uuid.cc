#include "tollgate/payments/uuid.h"

#include <array>

namespace tollgate::payments {

namespace {

constexpr uint8_t kNotHex = 0xFF;

constexpr std::array<uint8_t, 256> MakeHexTable() {
  std::array<uint8_t, 256> table{};
  for (auto& entry : table) entry = kNotHex;
  for (unsigned digit = 0; digit < 10; ++digit) table['0' + digit] = static_cast<uint8_t>(digit);
  for (unsigned letter = 0; letter < 6; ++letter) {
    table['a' + letter] = static_cast<uint8_t>(10 + letter);
    table['A' + letter] = static_cast<uint8_t>(10 + letter);
  }
  return table;
}

constexpr std::array<uint8_t, 256> kHex = MakeHexTable();
constexpr char kDigits[] = "0123456789abcdef";

bool IsDash(size_t index) { return index == 8 || index == 13 || index == 18 || index == 23; }

}  // namespace

std::optional<Uuid> ParseUuid(std::string_view text) {
  if (text.size() != kUuidTextBytes) return std::nullopt;
  uint64_t words[2] = {0, 0};
  unsigned nibbles = 0;
  uint8_t seen = 0;
  for (size_t i = 0; i < kUuidTextBytes; ++i) {
    if (IsDash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const uint8_t value = kHex[static_cast<unsigned char>(text[i])];
    seen |= value;
    words[nibbles / 16] = words[nibbles / 16] << 4U | (value & 0xFU);
    ++nibbles;
  }
  if ((seen & 0xF0U) != 0) return std::nullopt;
  return Uuid{words[0], words[1]};
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

// Converts cents to and from decimal text, exactly. Money never becomes a binary floating-point
// number.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::payments {

enum class MoneyError : uint8_t {
  kNone,
  kNotANumber,       // not a JSON number (RFC 8259 section 6)
  kNotPositive,      // zero or less
  kTooLarge,         // more than kAmountCentsMax
  kTooManyDecimals,  // more than two significant decimal places
};

struct MoneyResult {
  int64_t cents = 0;
  MoneyError error = MoneyError::kNone;
};

// True if all of `text` is one number as defined by RFC 8259 section 6, of any size.
bool IsJsonNumber(std::string_view text);
// The text must be one JSON number and nothing else. "19.9", "20.000" and "1e2" are valid.
MoneyResult ParseCents(std::string_view json_number);
// A sum of amounts. It may be zero, and as large as 63 bits hold. Empty if the text is no such
// number, or has more than two significant decimal places.
std::optional<int64_t> ParseTotalCents(std::string_view json_number);

inline constexpr size_t kCentsTextBytesMax = 24;
// Writes 1990 cents as "19.90". Returns the number of characters. The text is a JSON number.
size_t FormatCents(int64_t cents, char* out);
std::string CentsToString(int64_t cents);

}  // namespace tollgate::payments

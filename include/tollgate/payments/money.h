// Cents to and from decimal text, exactly. No binary floating point touches money.
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
  kTooManyDecimals,  // more than two decimal places that matter
};

struct MoneyResult {
  int64_t cents = 0;
  MoneyError error = MoneyError::kNone;
};

// Is all of `text` one number as RFC 8259 section 6 writes it, however large?
bool IsJsonNumber(std::string_view text);
// The text of one JSON number, nothing around it: "19.9", "20.000" and "1e2" are fine.
MoneyResult ParseCents(std::string_view json_number);
// A sum of amounts: also zero, and as large as 63 bits hold. Nothing if it is none, or has more
// than two decimal places that matter.
std::optional<int64_t> ParseTotalCents(std::string_view json_number);

inline constexpr size_t kCentsTextBytesMax = 24;
// Writes "1990" cents as "19.90"; returns the number of characters. The result is valid JSON.
size_t FormatCents(int64_t cents, char* out);
std::string CentsToString(int64_t cents);

}  // namespace tollgate::payments

#include "tollgate/payments/money.h"

#include <algorithm>

#include "tollgate/payments/limits.h"

namespace tollgate::payments {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The parts of a JSON number.
struct Number {
  bool valid = false;
  bool negative = false;
  std::string_view integer;
  std::string_view fraction;
  int64_t exponent = 0;
};

size_t TakeDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// Reads the exponent and limits it to a hundred million, because a larger one makes no difference.
bool TakeExponent(std::string_view text, size_t* at, int64_t* exponent) {
  bool negative = false;
  if (*at < text.size() && (text[*at] == '+' || text[*at] == '-')) negative = text[(*at)++] == '-';
  const size_t end = TakeDigits(text, *at);
  if (end == *at) return false;
  constexpr int64_t kExponentMax = 100'000'000;
  for (; *at < end; ++*at) *exponent = std::min(*exponent * 10 + (text[*at] - '0'), kExponentMax);
  if (negative) *exponent = -*exponent;
  return true;
}

// RFC 8259 section 6.
Number Split(std::string_view text) {
  Number number;
  size_t at = 0;
  if (at < text.size() && text[at] == '-') {
    number.negative = true;
    ++at;
  }
  const size_t integer_end = TakeDigits(text, at);
  number.integer = text.substr(at, integer_end - at);
  if (number.integer.empty() || (number.integer.size() > 1 && number.integer[0] == '0')) return {};
  at = integer_end;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction_end = TakeDigits(text, ++at);
    number.fraction = text.substr(at, fraction_end - at);
    if (number.fraction.empty()) return {};
    at = fraction_end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    if (!TakeExponent(text, &++at, &number.exponent)) return {};
  }
  number.valid = at == text.size();
  return number;
}

// Accepts at most `integer_digits_max` digits before the point.
MoneyResult ToCents(std::string_view json_number, int64_t integer_digits_max) {
  const Number number = Split(json_number);
  if (!number.valid) return {0, MoneyError::kNotANumber};
  // The value is 0.d1d2d3… times ten to the power `point`, without leading zeros.
  const size_t digits = number.integer.size() + number.fraction.size();
  const auto digit_at = [&](size_t i) {
    return i < number.integer.size() ? number.integer[i]
                                     : number.fraction[i - number.integer.size()];
  };
  size_t first = 0;
  while (first < digits && digit_at(first) == '0') ++first;
  if (first == digits || number.negative) return {0, MoneyError::kNotPositive};
  const int64_t point =
      static_cast<int64_t>(number.integer.size()) - static_cast<int64_t>(first) + number.exponent;
  if (point > integer_digits_max) return {0, MoneyError::kTooLarge};
  int64_t cents = 0;
  const int64_t wanted = point + 2;  // number of digits, from the first, that form the cents
  const auto count = static_cast<int64_t>(digits - first);
  for (int64_t i = 0; i < wanted; ++i) {
    cents = cents * 10 + (i < count ? digit_at(first + static_cast<size_t>(i)) - '0' : 0);
  }
  for (int64_t i = std::max<int64_t>(wanted, 0); i < count; ++i) {
    if (digit_at(first + static_cast<size_t>(i)) != '0') return {0, MoneyError::kTooManyDecimals};
  }
  return {cents, MoneyError::kNone};
}

}  // namespace

bool IsJsonNumber(std::string_view text) { return Split(text).valid; }

MoneyResult ParseCents(std::string_view json_number) {
  const MoneyResult result = ToCents(json_number, 10);
  if (result.cents > kAmountCentsMax) return {0, MoneyError::kTooLarge};
  return result;
}

std::optional<int64_t> ParseTotalCents(std::string_view json_number) {
  constexpr int64_t kDigitsMax = 16;  // before the point, so that cents fit 63 bits
  const MoneyResult result = ToCents(json_number, kDigitsMax);
  if (result.error == MoneyError::kNone) return result.cents;
  const bool zero = result.error == MoneyError::kNotPositive &&
                    json_number.find_first_of("-123456789") == std::string_view::npos;
  return zero ? std::optional<int64_t>(0) : std::nullopt;
}

size_t FormatCents(int64_t cents, char* out) {
  char* at = out;
  uint64_t left = static_cast<uint64_t>(cents);
  if (cents < 0) {
    *at++ = '-';
    left = 0 - left;
  }
  char reversed[kCentsTextBytesMax];
  size_t count = 0;
  while (left != 0 || count < 3) {
    if (count == 2) reversed[count++] = '.';
    reversed[count++] = static_cast<char>('0' + left % 10);
    left /= 10;
  }
  while (count > 0) *at++ = reversed[--count];
  return static_cast<size_t>(at - out);
}

std::string CentsToString(int64_t cents) {
  char text[kCentsTextBytesMax];
  return std::string(text, FormatCents(cents, text));
}

}  // namespace tollgate::payments

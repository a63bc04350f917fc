#include "processor_sim/rounding.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/money.h"

namespace tollgate::sim {
namespace {

bool OnlyZeros(std::string_view digits) {
  return digits.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<int64_t> RoundToCents(std::string_view json_number) {
  // Its form is judged where amounts are read; a zero is one here.
  const payments::MoneyError error = payments::ParseCents(json_number).error;
  if (error == payments::MoneyError::kNotANumber || json_number.starts_with('-')) {
    return std::nullopt;
  }
  // The digits, and where the point stands among them.
  const size_t e = json_number.find_first_of("eE");
  const std::string_view mantissa = json_number.substr(0, e);
  const size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  if (point < mantissa.size()) digits += mantissa.substr(point + 1);
  int exponent = 0;
  if (e != std::string_view::npos) {
    const size_t sign = json_number[e + 1] == '+' ? 2 : 1;
    const auto [end, wrong] = std::from_chars(json_number.data() + e + sign,
                                              json_number.data() + json_number.size(), exponent);
    if (wrong != std::errc{} || exponent < -1000 || exponent > 1000) return std::nullopt;
  }
  const int cents_digits = static_cast<int>(point) + exponent + 2;
  if (cents_digits < 0) return 0;
  const auto kept = static_cast<size_t>(cents_digits);
  if (digits.size() < kept) digits.append(kept - digits.size(), '0');
  const std::string_view whole = std::string_view(digits).substr(0, kept);
  const std::string_view rest = std::string_view(digits).substr(kept);
  int64_t cents = 0;
  for (const char digit : whole) {
    cents = cents * 10 + (digit - '0');
    if (cents > payments::kAmountCentsMax) return std::nullopt;
  }
  const bool half = !rest.empty() && rest[0] == '5' && OnlyZeros(rest.substr(1));
  const bool up = !rest.empty() && (half ? cents % 2 == 1 : rest[0] >= '5');
  return up ? cents + 1 : cents;
}

}  // namespace tollgate::sim

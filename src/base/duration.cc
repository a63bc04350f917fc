#include "tollgate/base/duration.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tollgate::base {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array<DurationUnit, 8> kUnits{{{"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"\xC2\xB5s", 1'000},  // the micro sign
                                              {"\xCE\xBCs", 1'000},  // the Greek letter
                                              {"ns", 1}}};

// Wide enough for the largest int64_t times the nanoseconds of an hour.
__extension__ using Wide = __int128;
constexpr Wide kMost = Wide{std::numeric_limits<int64_t>::max()};

Error Wrong(const std::string& what) {
  return Error{"must be a number and a unit, such as 500ms, 5s or 1m30s; " + what};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A decimal number that was taken from the front of a text.
struct Number {
  bool any = false;   // it has a digit
  Wide whole = 0;     // at most a little more than kMost
  Wide fraction = 0;  // the decimals as a whole number, as many as can matter
  Wide scale = 1;     // 10 to the power of the number of decimals in `fraction`
};

Number TakeNumber(std::string_view& rest) {
  constexpr Wide kScaleMax = 1'000'000'000'000'000'000;
  Number number;
  for (; !rest.empty() && IsDigit(rest.front()); rest.remove_prefix(1)) {
    number.any = true;
    number.whole = std::min(number.whole * 10 + (rest.front() - '0'), kMost + 2);
  }
  if (rest.empty() || rest.front() != '.') return number;
  rest.remove_prefix(1);
  for (; !rest.empty() && IsDigit(rest.front()); rest.remove_prefix(1)) {
    number.any = true;
    if (number.scale == kScaleMax) continue;
    number.fraction = number.fraction * 10 + (rest.front() - '0');
    number.scale *= 10;
  }
  return number;
}

const DurationUnit* FindUnit(std::string_view name) {
  const auto* const found = std::find_if(kUnits.begin(), kUnits.end(),
                                         [&](const DurationUnit& it) { return it.name == name; });
  return found == kUnits.end() ? nullptr : found;
}

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return int64_t{0};
  if (rest.empty()) return Wrong("there is none");
  const Wide most = negative ? kMost + 1 : kMost;
  Wide total = 0;
  while (!rest.empty()) {
    const Number number = TakeNumber(rest);
    if (!number.any) return Wrong("a unit must stand behind a number");
    const auto end =
        std::find_if(rest.begin(), rest.end(), [](char c) { return IsDigit(c) || c == '.'; });
    const std::string_view name = rest.substr(0, static_cast<size_t>(end - rest.begin()));
    rest.remove_prefix(name.size());
    if (name.empty()) return Wrong("a number has no unit");
    const DurationUnit* const unit = FindUnit(name);
    if (unit == nullptr) {
      return Wrong("'" + std::string(name) + "' is no unit: there are h, m, s, ms, us and ns");
    }
    total += number.whole * unit->nanos + number.fraction * unit->nanos / number.scale;
    if (total > most) return Wrong("and at most some 290 years");
  }
  return static_cast<int64_t>(negative ? -total : total);
}

std::string FormatDuration(int64_t nanos) {
  if (nanos == 0) return "0";
  for (const DurationUnit& unit : kUnits) {
    if (nanos % unit.nanos == 0) return std::to_string(nanos / unit.nanos) + std::string(unit.name);
  }
  return std::to_string(nanos) + "ns";
}

std::string RoughTime(int64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7'200) return std::to_string(seconds / 60) + " min";
  if (seconds < 172'800) return std::to_string(seconds / 3'600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

}  // namespace tollgate::base

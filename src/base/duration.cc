#include "tollgate/base/duration.h"

#include <array>
#include <cmath>
#include <limits>

namespace tollgate::base {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array<DurationUnit, 7> kUnits{{{"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"µs", 1'000},
                                              {"ns", 1}}};

Error NotADuration(std::string_view text) {
  return Error{"'" + std::string(text) +
               "' is no duration; write a number and a unit, such as 500ms, 5s or 1m30s"};
}

// Wide enough for eighteen digits times an hour in nanoseconds.
__extension__ using Wide = __int128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  if (text == "0") return int64_t{0};
  std::string_view rest = text;
  int64_t total = 0;
  if (rest.empty()) return NotADuration(text);
  while (!rest.empty()) {
    size_t number = 0;
    size_t digits = 0;
    Wide value = 0;  // the digits as one whole number
    Wide scale = 1;  // 10 to the number of decimals
    bool decimals = false;
    for (; number < rest.size() && (IsDigit(rest[number]) || (rest[number] == '.' && !decimals));
         ++number) {
      if (rest[number] == '.') {
        decimals = true;
        continue;
      }
      if (++digits > 18) return NotADuration(text);
      value = value * 10 + (rest[number] - '0');
      if (decimals) scale *= 10;
    }
    size_t unit = number;
    while (unit < rest.size() && !IsDigit(rest[unit]) && rest[unit] != '.') ++unit;
    const std::string_view name = rest.substr(number, unit - number);
    const DurationUnit* found = nullptr;
    for (const DurationUnit& known : kUnits) {
      if (known.name == name) found = &known;
    }
    if (digits == 0 || found == nullptr) return NotADuration(text);
    const Wide sum = total + value * found->nanos / scale;
    if (sum > std::numeric_limits<int64_t>::max()) return NotADuration(text);
    total = static_cast<int64_t>(sum);
    rest.remove_prefix(unit);
  }
  return total;
}

std::string FormatDuration(int64_t nanos) {
  if (nanos == 0) return "0";
  for (const DurationUnit& unit : kUnits) {
    if (nanos % unit.nanos == 0) return std::to_string(nanos / unit.nanos) + std::string(unit.name);
  }
  return std::to_string(nanos) + "ns";
}

}  // namespace tollgate::base

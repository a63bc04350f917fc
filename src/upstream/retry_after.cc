#include "upstream/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <system_error>

#include "tollgate/upstream/processor_client.h"

namespace tollgate::upstream {
namespace {

constexpr int64_t kMsPerSecond = 1'000;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Parses all of `text` if it is digits only; nothing otherwise, or if the number is too large.
std::optional<int> Number(std::string_view text) {
  int number = 0;
  if (!AllDigits(text)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<unsigned> Month(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<unsigned>(found - kNames.begin()) + 1;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7, IMF-fixdate), in seconds since 1970.
std::optional<int64_t> Date(std::string_view text) {
  constexpr std::string_view kShape = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != kShape.size()) return std::nullopt;
  for (const size_t at : {3U, 4U, 7U, 11U, 16U, 19U, 22U, 25U, 26U, 27U, 28U}) {
    if (text[at] != kShape[at]) return std::nullopt;
  }
  const auto day = Number(text.substr(5, 2));
  const auto month = Month(text.substr(8, 3));
  const auto year = Number(text.substr(12, 4));
  const auto hour = Number(text.substr(17, 2));
  const auto minute = Number(text.substr(20, 2));
  const auto second = Number(text.substr(23, 2));
  if (!day || !month || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // 60 is a leap second.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
}

}  // namespace

RetryAfter ParseRetryAfter(std::string_view value) {
  const std::string_view text = Trim(value);
  if (AllDigits(text)) {
    // A number that does not fit is a long time too.
    return {.kind = RetryAfter::Kind::kSeconds,
            .seconds = Number(text).value_or(kRetryAfterMsMax / kMsPerSecond)};
  }
  const std::optional<int64_t> date = Date(text);
  if (!date) return {};
  return {.kind = RetryAfter::Kind::kDate, .seconds = *date};
}

int64_t RetryAfterMs(const RetryAfter& it, int64_t wall_ms) {
  int64_t ms = 0;
  if (it.kind == RetryAfter::Kind::kSeconds) ms = it.seconds * kMsPerSecond;
  if (it.kind == RetryAfter::Kind::kDate) ms = it.seconds * kMsPerSecond - wall_ms;
  return std::clamp<int64_t>(ms, 0, kRetryAfterMsMax);
}

}  // namespace tollgate::upstream

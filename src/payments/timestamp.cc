#include "tollgate/payments/timestamp.h"

#include <algorithm>

namespace tollgate::payments {

namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kMillisPerDay = 86'400'000;
constexpr int64_t kFirstMs = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
constexpr int64_t kLastMs = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z

// Division that rounds down, also below zero. REQUIRES: divisor > 0.
constexpr int64_t Floor(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

// Converts a civil date to days since 1970-01-01, and back. Source: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms".
int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = Floor(year, 400);
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

struct Civil {
  int64_t year;
  unsigned month, day;
};

Civil CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = Floor(days, 146'097);
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

unsigned DaysInMonth(int64_t year, unsigned month) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Reads the text from the left. It keeps the first problem and ignores later ones.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  bool at_end() const { return text_.empty(); }
  bool IsNext(char wanted) const { return !text_.empty() && text_.front() == wanted; }
  bool IsDigit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
  char Take() {
    if (text_.empty()) return '\0';
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  void Fail(std::string problem) {
    if (ok()) problem_ = std::move(problem);
  }
  void Expect(char wanted, const char* problem) {
    if (!IsNext(wanted)) return Fail(problem);
    Take();
  }
  // Reads exactly `count` digits, within [low, high].
  int64_t Number(int count, int64_t low, int64_t high, const char* problem) {
    int64_t value = 0;
    for (int i = 0; i < count; ++i) {
      if (!IsDigit()) {
        Fail(problem);
        return low;
      }
      value = value * 10 + (Take() - '0');
    }
    if (value < low || value > high) Fail(problem);
    return value;
  }

 private:
  std::string_view text_;
  std::string problem_;
};

struct Date {
  int64_t year = 0;
  unsigned month = 1;
  unsigned day = 1;
};

Date TakeDate(Reader& reader) {
  constexpr const char* kForm = "the date must be written YYYY-MM-DD";
  Date date;
  date.year = reader.Number(4, 0, 9999, "the year must have four digits");
  reader.Expect('-', kForm);
  date.month = static_cast<unsigned>(reader.Number(2, 1, 12, "the month must be 01 to 12"));
  reader.Expect('-', kForm);
  date.day =
      static_cast<unsigned>(reader.Number(2, 1, 31, "the day of the month must be 01 to 31"));
  if (reader.ok() && date.day > DaysInMonth(date.year, date.month)) {
    reader.Fail("the day of that month must be 01 to " +
                std::to_string(DaysInMonth(date.year, date.month)));
  }
  return date;
}

struct Clock {
  int64_t seconds = 0;  // of the day
  bool leap = false;    // second 60
};

Clock TakeClock(Reader& reader) {
  constexpr const char* kForm = "the time must be written HH:MM:SS";
  const int64_t hour = reader.Number(2, 0, 23, "the hour must be 00 to 23");
  reader.Expect(':', kForm);
  const int64_t minute = reader.Number(2, 0, 59, "the minute must be 00 to 59");
  reader.Expect(':', kForm);
  const int64_t second =
      reader.Number(2, 0, 60, "the second must be 00 to 59, or 60 in a leap second");
  return {.seconds = hour * 3600 + minute * 60 + second, .leap = second == 60};
}

// Reads the decimals of a second. It keeps `digits_kept` digits and rounds by `rounding`.
int64_t TakeFraction(Reader& reader, int digits_kept, Rounding rounding) {
  int64_t value = 0;
  int digits = 0;
  bool more = false;
  if (reader.IsNext('.')) {
    reader.Take();
    if (!reader.IsDigit()) reader.Fail("the fraction of a second must have digits");
    while (reader.IsDigit()) {
      const int64_t digit = reader.Take() - '0';
      if (digits == digits_kept) {
        more = more || digit != 0;
        continue;
      }
      value = value * 10 + digit;
      ++digits;
    }
  }
  for (; digits < digits_kept; ++digits) value *= 10;
  return value + (more && rounding == Rounding::kUp ? 1 : 0);
}

// Returns seconds east of UTC.
int64_t TakeZone(Reader& reader, Zone zone) {
  if (reader.at_end()) {
    if (zone == Zone::kRequired) reader.Fail("the zone is missing: Z, or an offset as in +02:00");
    return 0;
  }
  const char c = reader.Take();
  if (c == 'Z' || c == 'z') return 0;
  if (c != '+' && c != '-') {
    reader.Fail("the zone must be Z or an offset as in +02:00");
    return 0;
  }
  const int64_t hours = reader.Number(2, 0, 23, "the hours of the offset must be 00 to 23");
  reader.Expect(':', "the offset must be written as in +02:00");
  const int64_t minutes = reader.Number(2, 0, 59, "the minutes of the offset must be 00 to 59");
  return (c == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

// True for the first second of a month, because a leap second may precede it.
bool BeginsMonth(int64_t seconds) {
  return Floor(seconds, kSecondsPerDay) * kSecondsPerDay == seconds &&
         CivilFromDays(seconds / kSecondsPerDay).day == 1;
}

void PutNumber(char* out, int digits, int64_t value) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// Returns seconds since 1970 times 10 to the power `digits`.
base::Result<int64_t> Parse(std::string_view text, Rounding rounding, Zone zone, int digits) {
  Reader reader(text);
  const Date date = TakeDate(reader);
  if (!reader.IsNext('t') && !reader.IsNext(' ')) {
    reader.Expect('T', "a T must stand between the date and the time");
  } else {
    reader.Take();
  }
  const Clock clock = TakeClock(reader);
  const int64_t fraction = TakeFraction(reader, digits, rounding);
  const int64_t offset = TakeZone(reader, zone);
  if (!reader.at_end()) reader.Fail("nothing may stand behind the zone");
  if (!reader.ok()) return base::Error{reader.problem()};
  const int64_t seconds =
      DaysFromCivil(date.year, date.month, date.day) * kSecondsPerDay + clock.seconds - offset;
  if (clock.leap && !BeginsMonth(seconds)) {
    return base::Error{"second 60 is there only at 23:59:60 UTC on the last day of a month"};
  }
  int64_t units = seconds;
  for (int i = 0; i < digits; ++i) units *= 10;
  return units + fraction;
}

}  // namespace

base::Result<int64_t> ParseTimestampMillis(std::string_view text, Rounding rounding, Zone zone) {
  return Parse(text, rounding, zone, 3);
}

base::Result<int64_t> ParseTimestampMicros(std::string_view text, Rounding rounding, Zone zone) {
  return Parse(text, rounding, zone, 6);
}

void FormatTimestampMillis(int64_t unix_ms, char* out) {
  const int64_t shown_ms = std::clamp(unix_ms, kFirstMs, kLastMs);
  const int64_t days = Floor(shown_ms, kMillisPerDay);
  const Civil civil = CivilFromDays(days);
  const int64_t of_day = shown_ms - days * kMillisPerDay;
  PutNumber(out, 4, civil.year);
  out[4] = '-';
  PutNumber(out + 5, 2, civil.month);
  out[7] = '-';
  PutNumber(out + 8, 2, civil.day);
  out[10] = 'T';
  PutNumber(out + 11, 2, of_day / 3'600'000);
  out[13] = ':';
  PutNumber(out + 14, 2, of_day / 60'000 % 60);
  out[16] = ':';
  PutNumber(out + 17, 2, of_day / 1000 % 60);
  out[19] = '.';
  PutNumber(out + 20, 3, of_day % 1000);
  out[23] = 'Z';
}

std::string TimestampToString(int64_t unix_ms) {
  std::string text(kTimestampTextBytes, '\0');
  FormatTimestampMillis(unix_ms, text.data());
  return text;
}

}  // namespace tollgate::payments

#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {

namespace {

constexpr int64_t kMillisPerDay = 86'400'000;

// Days since 1970-01-01 of a civil date, and back: Howard Hinnant, "chrono-Compatible Low-Level
// Date Algorithms".
int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = year / 400;
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
  const int64_t era = days / 146'097;
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

// Reads the text from the left; any misfit makes it fail for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return text_.empty(); }
  char Peek() const { return text_.empty() ? '\0' : text_.front(); }
  char Take() {
    const char c = Peek();
    if (!text_.empty()) text_.remove_prefix(1);
    return c;
  }
  void Expect(char wanted) { ok_ = ok_ && Take() == wanted; }
  // Exactly `count` digits, within [low, high].
  int64_t Number(int count, int64_t low, int64_t high) {
    int64_t value = 0;
    for (int i = 0; i < count; ++i) {
      const char c = Take();
      ok_ = ok_ && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    ok_ = ok_ && value >= low && value <= high;
    return value;
  }
  bool IsDigit() const { return Peek() >= '0' && Peek() <= '9'; }
  void Fail() { ok_ = false; }

 private:
  std::string_view text_;
  bool ok_ = true;
};

// Up to nine decimals of a second, in nanoseconds.
int64_t TakeFraction(Reader* reader) {
  reader->Take();
  int64_t nanos = 0;
  int digits = 0;
  while (reader->IsDigit()) {
    nanos = nanos * 10 + (reader->Take() - '0');
    if (++digits > 9) {
      reader->Fail();
      return 0;
    }
  }
  if (digits == 0) reader->Fail();
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

// Minutes east of UTC.
int64_t TakeZone(Reader* reader, Zone zone) {
  if (reader->at_end()) {
    if (zone == Zone::kRequired) reader->Fail();
    return 0;
  }
  const char c = reader->Take();
  if (c == 'Z' || c == 'z') return 0;
  if (c != '+' && c != '-') reader->Fail();
  const int64_t hours = reader->Number(2, 0, 23);
  reader->Expect(':');
  const int64_t minutes = reader->Number(2, 0, 59);
  return (c == '-' ? -1 : 1) * (hours * 60 + minutes);
}

void PutNumber(char* out, int digits, int64_t value) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// In units of 1/`per_second` s since 1970.
std::optional<int64_t> Parse(std::string_view text, Rounding rounding, Zone zone,
                             int64_t per_second) {
  Reader reader(text);
  const int64_t year = reader.Number(4, 1970, 9999);
  reader.Expect('-');
  const auto month = static_cast<unsigned>(reader.Number(2, 1, 12));
  reader.Expect('-');
  const auto day = static_cast<unsigned>(reader.Number(2, 1, 31));
  const char between = reader.Take();
  if (between != 'T' && between != 't' && between != ' ') reader.Fail();
  const int64_t hour = reader.Number(2, 0, 23);
  reader.Expect(':');
  const int64_t minute = reader.Number(2, 0, 59);
  reader.Expect(':');
  const int64_t second = reader.Number(2, 0, 60);
  const int64_t nanos = reader.ok() && reader.Peek() == '.' ? TakeFraction(&reader) : 0;
  const int64_t offset_minutes = TakeZone(&reader, zone);
  if (!reader.ok() || !reader.at_end() || day > DaysInMonth(year, month)) return std::nullopt;
  const int64_t seconds = DaysFromCivil(year, month, day) * 86'400 + hour * 3600 + minute * 60 +
                          second - offset_minutes * 60;
  const int64_t nanos_each = 1'000'000'000 / per_second;
  const int64_t up = rounding == Rounding::kUp && nanos % nanos_each != 0 ? 1 : 0;
  return seconds * per_second + nanos / nanos_each + up;
}

}  // namespace

std::optional<int64_t> ParseTimestampMillis(std::string_view text, Rounding rounding, Zone zone) {
  return Parse(text, rounding, zone, 1'000);
}

std::optional<int64_t> ParseTimestampMicros(std::string_view text, Rounding rounding, Zone zone) {
  return Parse(text, rounding, zone, 1'000'000);
}

void FormatTimestampMillis(int64_t unix_ms, char* out) {
  const Civil civil = CivilFromDays(unix_ms / kMillisPerDay);
  const int64_t of_day = unix_ms % kMillisPerDay;
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

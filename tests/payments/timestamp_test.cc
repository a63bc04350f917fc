#include "tollgate/payments/timestamp.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <string>

#include "tollgate/payments/summary.h"

namespace tollgate::payments {
namespace {

int64_t Up(const std::string& text) { return ParseTimestampMillis(text, Rounding::kUp).value(); }
int64_t Down(const std::string& text) {
  return ParseTimestampMillis(text, Rounding::kDown).value();
}

TEST(TimestampRange, YearsFrom0000To9999AreTimes) {
  EXPECT_EQ(Down("1969-12-31T23:59:59Z"), -1'000);
  EXPECT_EQ(Down("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_EQ(Down("1970-01-01T00:00:00+00:01"), -60'000);
  EXPECT_EQ(Down("1900-03-01T00:00:00Z"), -2'203'891'200'000);
  EXPECT_EQ(Down("0000-01-01T00:00:00Z"), -62'167'219'200'000);
  EXPECT_EQ(Down("0000-02-29T00:00:00Z"), -62'162'121'600'000);
  EXPECT_EQ(Down("0000-01-01T00:00:00+23:59"), -62'167'219'200'000 - 86'340'000);
  EXPECT_EQ(Down("9999-12-31T23:59:59.999Z"), 253'402'300'799'999);
  EXPECT_EQ(Up("9999-12-31T23:59:59.9999Z"), 253'402'300'800'000);
  EXPECT_EQ(TimestampToString(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(TimestampToString(-62'167'219'200'000), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(TimestampToString(INT64_MIN), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(TimestampToString(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

TEST(TimestampRange, EveryMomentComesBackAsItWasWritten) {
  rc::check([] {
    const int64_t ms = *rc::gen::inRange<int64_t>(-62'167'219'200'000, 253'402'300'800'000);
    const std::string text = TimestampToString(ms);
    RC_ASSERT(Down(text) == ms);
    RC_ASSERT(Up(text) == ms);
    // The library's calendar agrees.
    const auto days = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(ms)));
    const std::chrono::year_month_day date{days};
    RC_ASSERT(std::stoi(text.substr(0, 4)) == static_cast<int>(date.year()));
    RC_ASSERT(std::stoul(text.substr(5, 2)) == static_cast<unsigned>(date.month()));
    RC_ASSERT(std::stoul(text.substr(8, 2)) == static_cast<unsigned>(date.day()));
  });
}

TEST(TimestampFraction, AnyNumberOfDecimalsIsRoundedExactly) {
  const std::string second = "1970-01-01T00:00:01.";
  EXPECT_EQ(Down(second + "1234567890Z"), 1'123);
  EXPECT_EQ(Up(second + "1234567890Z"), 1'124);
  EXPECT_EQ(Up(second + "00100000000000000000Z"), 1'001);
  EXPECT_EQ(Up(second + "00100000000000000001Z"), 1'002);
  EXPECT_EQ(Down(second + "99999999999999999999Z"), 1'999);
  EXPECT_EQ(Up(second + "99999999999999999999Z"), 2'000);
  EXPECT_EQ(Up(second + std::string(10'000, '0') + "1Z"), 1'001);
  EXPECT_EQ(Down(second + std::string(10'000, '9') + "Z"), 1'999);
  // Down is towards the past, also before 1970.
  EXPECT_EQ(Down("1969-12-31T23:59:59.9999Z"), -1);
  EXPECT_EQ(Up("1969-12-31T23:59:59.9999Z"), 0);
  EXPECT_EQ(ParseTimestampMicros(second + "0000015Z", Rounding::kUp).value(), 1'000'002);
  EXPECT_EQ(ParseTimestampMicros(second + "00000099999999999Z", Rounding::kDown).value(),
            1'000'000);
}

TEST(TimestampLeapSecond, IsTheLastOfAMonthInUtcAndNoOther) {
  const int64_t next_ms = Down("1991-01-01T00:00:00Z");
  EXPECT_EQ(Down("1990-12-31T23:59:60Z"), next_ms);
  EXPECT_EQ(Down("1990-12-31T15:59:60-08:00"), next_ms);
  EXPECT_EQ(Down("1991-01-01T05:29:60+05:30"), next_ms);
  EXPECT_EQ(Down("1990-12-31T23:59:60.5Z"), next_ms + 500);
  EXPECT_EQ(Down("2012-06-30T23:59:60Z"), Down("2012-07-01T00:00:00Z"));
  EXPECT_EQ(Down("1968-02-29T23:59:60Z"), Down("1968-03-01T00:00:00Z"));
  for (const char* bad : {"2009-05-31T14:53:60Z", "2009-05-30T23:59:60Z", "2009-05-31T23:58:60Z",
                          "2009-05-31T22:59:60Z", "2009-05-31T23:59:60+01:00",
                          "2009-02-27T23:59:60Z", "2009-06-01T23:59:60Z", "2009-05-31T00:00:60Z"}) {
    const auto time = ParseTimestampMillis(bad, Rounding::kDown);
    ASSERT_FALSE(time.ok()) << bad;
    EXPECT_NE(time.error().message.find("second 60"), std::string::npos) << time.error().message;
  }
}

TEST(TimestampProblem, NamesThePartThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "the year must have four digits"},
      {"x", "the year must have four digits"},
      {"12025-07-15T12:34:56Z", "YYYY-MM-DD"},
      {"-001-07-15T12:34:56Z", "the year must have four digits"},
      {"2025", "YYYY-MM-DD"},
      {"2025/07/15T12:34:56Z", "YYYY-MM-DD"},
      {"2025-00-15T12:34:56Z", "the month must be 01 to 12"},
      {"2025-13-15T12:34:56Z", "the month must be 01 to 12"},
      {"2025-7-15T12:34:56Z", "the month must be 01 to 12"},
      {"2025-07-00T12:34:56Z", "the day of the month must be 01 to 31"},
      {"2025-07-32T12:34:56Z", "the day of the month must be 01 to 31"},
      {"2025-06-31T12:34:56Z", "the day of that month must be 01 to 30"},
      {"2025-02-29T12:34:56Z", "the day of that month must be 01 to 28"},
      {"1900-02-29T12:34:56Z", "the day of that month must be 01 to 28"},
      {"2000-02-30T12:34:56Z", "the day of that month must be 01 to 29"},
      {"2025-07-15", "a T must stand"},
      {"2025-07-15X12:34:56Z", "a T must stand"},
      {"2025-07-15T24:00:00Z", "the hour must be 00 to 23"},
      {"2025-07-15T1:00:00Z", "the hour must be 00 to 23"},
      {"2025-07-15T12.34:56Z", "HH:MM:SS"},
      {"2025-07-15T12:60:56Z", "the minute must be 00 to 59"},
      {"2025-07-15T12:34Z", "HH:MM:SS"},
      {"2025-07-15T12:34:61Z", "the second must be 00 to 59"},
      {"2025-07-15T12:34:5Z", "the second must be 00 to 59"},
      {"2025-07-15T12:34:56.Z", "the fraction of a second must have digits"},
      {"2025-07-15T12:34:56", "the zone is missing"},
      {"2025-07-15T12:34:56.123", "the zone is missing"},
      {"2025-07-15T12:34:56,5Z", "the zone must be Z or an offset"},
      {"2025-07-15T12:34:56 02:00", "the zone must be Z or an offset"},
      {"2025-07-15T12:34:56+2:00", "the hours of the offset must be 00 to 23"},
      {"2025-07-15T12:34:56+24:00", "the hours of the offset must be 00 to 23"},
      {"2025-07-15T12:34:56+0200", "as in +02:00"},
      {"2025-07-15T12:34:56+02:60", "the minutes of the offset must be 00 to 59"},
      {"2025-07-15T12:34:56-02:0", "the minutes of the offset must be 00 to 59"},
      {"2025-07-15T12:34:56ZZ", "nothing may stand behind the zone"},
      {"2025-07-15T12:34:56+02:00 ", "nothing may stand behind the zone"},
  };
  for (const auto& [text, says] : cases) {
    const auto time = ParseTimestampMillis(text, Rounding::kDown);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_NE(time.error().message.find(says), std::string::npos)
        << text << " says: " << time.error().message;
    const auto parsed = ParseSummaryQuery("to=" + std::string(text));
    if (*text == '\0') continue;  // absent
    EXPECT_TRUE(parsed.problem.starts_with("to: ")) << parsed.problem;
    EXPECT_NE(parsed.problem.find(says), std::string::npos) << parsed.problem;
  }
  const std::string with_nul("2025-07-15T12:34:56\0Z", 21);
  EXPECT_FALSE(ParseTimestampMillis(with_nul, Rounding::kDown).ok());
  EXPECT_FALSE(ParseTimestampMillis(with_nul.substr(0, 20), Rounding::kDown).ok());
}

TEST(TimestampRange, ASummaryMayAskForTimesBefore1970) {
  const auto parsed = ParseSummaryQuery("from=0000-01-01T00:00:00Z&to=1969-12-31T23:59:59.9999Z");
  ASSERT_TRUE(parsed.ok()) << parsed.problem;
  EXPECT_EQ(parsed.range.from_ms, -62'167'219'200'000);
  EXPECT_EQ(parsed.range.to_ms, -1);
}

}  // namespace
}  // namespace tollgate::payments

// Money, UUIDs, timestamps, the processors' JSON and the summary's query, by tables and properties.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <ctime>

#include "tollgate/payments/limits.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/payments/processor_json.h"
#include "tollgate/payments/reject_reason.h"
#include "tollgate/payments/summary.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::payments {
namespace {

TEST(Money, ReadsDecimalsExactly) {
  const std::pair<const char*, int64_t> cases[] = {
      {"19.9", 1990},        {"19.90", 1990},     {"20", 2000},
      {"20.000", 2000},      {"1e2", 10000},      {"100e-2", 100},
      {"0.01", 1},           {"1E-2", 1},         {"0.1e1", 100},
      {"123.4500e0", 12345}, {"0.07", 7},         {"9999999999.99", kAmountCentsMax},
      {"1.5e+1", 1500},      {"0.000001e6", 100}, {"1000000000000e-3", 100000000000},
  };
  for (const auto& [text, cents] : cases) {
    const auto result = ParseCents(text);
    EXPECT_EQ(result.error, MoneyError::kNone) << text;
    EXPECT_EQ(result.cents, cents) << text;
  }
}

TEST(Money, SaysWhatIsWrong) {
  const std::pair<const char*, MoneyError> cases[] = {
      {"", MoneyError::kNotANumber},
      {"-", MoneyError::kNotANumber},
      {"+1", MoneyError::kNotANumber},
      {".5", MoneyError::kNotANumber},
      {"00", MoneyError::kNotANumber},
      {"1.e1", MoneyError::kNotANumber},
      {"NaN", MoneyError::kNotANumber},
      {"1e+", MoneyError::kNotANumber},
      {"0", MoneyError::kNotPositive},
      {"0e99999999999", MoneyError::kNotPositive},
      {"-1", MoneyError::kNotPositive},
      {"0.001", MoneyError::kTooManyDecimals},
      {"1e-99999999999999", MoneyError::kTooManyDecimals},
      {"9999999999.999", MoneyError::kTooManyDecimals},
      {"10000000000", MoneyError::kTooLarge},
      {"1e99999999999999", MoneyError::kTooLarge},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(ParseCents(text).error, error) << text;
}

TEST(Money, ComesBackAsItWasWritten) {
  rc::check([] {
    const int64_t cents = *rc::gen::inRange<int64_t>(1, kAmountCentsMax + 1);
    const auto result = ParseCents(CentsToString(cents));
    RC_ASSERT(result.error == MoneyError::kNone);
    RC_ASSERT(result.cents == cents);
  });
  EXPECT_EQ(CentsToString(0), "0.00");
  EXPECT_EQ(CentsToString(7), "0.07");
  EXPECT_EQ(CentsToString(INT64_MAX), "92233720368547758.07");
  EXPECT_EQ(CentsToString(-105), "-1.05");
}

TEST(UuidText, ComesBackInLowerCase) {
  rc::check([](uint64_t high, uint64_t low) {
    const Uuid id{high, low};
    std::string text = ToString(id);
    RC_ASSERT(ParseUuid(text) == id);
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    RC_ASSERT(ParseUuid(text) == id);
  });
}

TEST(UuidText, TakesNothingElse) {
  const std::string good = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
  ASSERT_TRUE(ParseUuid(good));
  for (size_t i = 0; i < good.size(); ++i) {
    const bool digit = good[i] != '-';
    for (int c = 0; c < 256; ++c) {
      if (digit ? std::isxdigit(c) != 0 : c == '-') continue;
      std::string bad = good;
      bad[i] = static_cast<char>(c);
      EXPECT_FALSE(ParseUuid(bad)) << bad;
    }
  }
  EXPECT_FALSE(ParseUuid(good + "0"));
  EXPECT_FALSE(ParseUuid(good.substr(1)));
}

TEST(Timestamp, AgreesWithTheCLibrary) {
  rc::check([] {
    const int64_t ms = *rc::gen::inRange<int64_t>(0, 253'402'300'800'000);
    const std::string text = TimestampToString(ms);
    std::tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    RC_ASSERT(rest != nullptr);
    RC_ASSERT(int64_t{timegm(&parts)} == ms / 1000);
    RC_ASSERT(ParseTimestampMillis(text, Rounding::kUp).value() == ms);
    RC_ASSERT(ParseTimestampMillis(text, Rounding::kDown).value() == ms);
  });
}

TEST(Timestamp, RoundsAndShifts) {
  const auto up = [](const char* text) {
    return ParseTimestampMillis(text, Rounding::kUp).value();
  };
  const auto down = [](const char* text) {
    return ParseTimestampMillis(text, Rounding::kDown).value();
  };
  EXPECT_EQ(down("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(down("1970-01-01T00:00:01.0019Z"), 1001);
  EXPECT_EQ(up("1970-01-01T00:00:01.001000001Z"), 1002);
  EXPECT_EQ(up("1970-01-01T00:00:01.001000Z"), 1001);
  EXPECT_EQ(down("1970-01-01T03:00:00-03:00"), 6 * 3'600'000);
  EXPECT_EQ(down("1970-01-02T00:00:00+05:30"), 18 * 3'600'000 + 30 * 60'000);
  EXPECT_EQ(ParseTimestampMicros("1970-01-01T00:00:01.0000015Z", Rounding::kDown).value(),
            1'000'001);
  EXPECT_EQ(ParseTimestampMicros("1970-01-01T00:00:01.0000015Z", Rounding::kUp).value(), 1'000'002);
  EXPECT_EQ(
      ParseTimestampMillis("2025-07-15T12:34:56.12", Rounding::kDown, Zone::kUtcIfAbsent).value(),
      1'752'582'896'120);
}

TEST(ProcessorJson, IsAsDocumented) {
  char text[kProcessorBodyBytesMax];
  const Payment payment{*ParseUuid("4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3"), kAmountCentsMax};
  const size_t size = FormatProcessorPayment(payment, 1'752'582'896'123, text);
  EXPECT_EQ(std::string(text, size),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","amount":9999999999.99,)"
            R"("requestedAt":"2025-07-15T12:34:56.123Z"})");
  const auto parsed = ParseProcessorPayment(std::string_view(text, size));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->payment, payment);
  EXPECT_EQ(parsed->requested_at_ms, 1'752'582'896'123);
  const auto bare = ParseProcessorPayment(
      R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","amount": 19.9 ,)"
      R"("requestedAt":"2025-07-15T12:34:56.12"})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->payment.amount_cents, 1990);
  EXPECT_EQ(bare->requested_at_ms, 1'752'582'896'120);
  for (const char* bad : {"", "{}", "null", "{\"correlationId\":\"x\"}", "[1]"}) {
    EXPECT_FALSE(ParseProcessorPayment(bad)) << bad;
  }
}

TEST(ProcessorJson, ReadsTheAdminSummaryToTheCent) {
  const auto summary = ParseProcessorSummary(
      R"({"totalRequests":43236,"totalAmount": 415542345.98,"totalFee":1,"feePerTransaction":1})");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->count, 43'236);
  EXPECT_EQ(summary->amount_cents, 41'554'234'598);
  for (const char* zero :
       {R"({"totalRequests":0,"totalAmount":0})", R"({"totalAmount":0.00,"totalRequests":0})"}) {
    ASSERT_TRUE(ParseProcessorSummary(zero)) << zero;
    EXPECT_EQ(ParseProcessorSummary(zero)->amount_cents, 0);
  }
  // More than one payment can have.
  EXPECT_EQ(
      ParseProcessorSummary(R"({"totalRequests":2,"totalAmount":99999999999.98})")->amount_cents,
      9'999'999'999'998);
  for (const char* bad :
       {"", "{}", R"({"totalRequests":1})", R"({"totalRequests":1,"totalAmount":"1"})",
        R"({"totalRequests":1,"totalAmount":1.005})", R"({"totalRequests":-1,"totalAmount":1})",
        R"({"totalRequests":1,"totalAmount":-1})",
        R"({"totalRequests":1,"totalAmount":99999999999999999})"}) {
    EXPECT_FALSE(ParseProcessorSummary(bad)) << bad;
  }
}

TEST(ProcessorJson, ReadsHealth) {
  const auto health = ParseServiceHealth(R"({"failing":true,"minResponseTime":100})");
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->failing);
  EXPECT_EQ(health->min_response_ms, 100);
  for (const char* bad : {"", "{}", R"({"failing":1,"minResponseTime":1})",
                          R"({"failing":true,"minResponseTime":-1})", "garbage"}) {
    EXPECT_FALSE(ParseServiceHealth(bad)) << bad;
  }
}

TEST(SummaryQuery, TakesEachEndAloneOrNone) {
  EXPECT_EQ(ParseSummaryQuery("").range.from_ms, INT64_MIN);
  EXPECT_EQ(ParseSummaryQuery("from=1970-01-01T00:00:00.0001Z").range.from_ms, 1);
  EXPECT_EQ(ParseSummaryQuery("to=1970-01-01T00%3A00%3A01.9999Z&x=y").range.to_ms, 1999);
  EXPECT_EQ(ParseSummaryQuery("from=&to=").range.to_ms, INT64_MAX);
  EXPECT_EQ(ParseSummaryQuery("to=1970-01-01T01:00:00+01:00").range.to_ms, 0);
  EXPECT_EQ(ParseSummaryQuery("to=1970-01-01T01:00:00%2B01:00").range.to_ms, 0);
  for (const char* bad : {"from=x", "from=1", "to=2025-07-15", "from=%", "from=%zz", "%=1",
                          "from=1970-01-01T00:00:00Z&from=1970-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseSummaryQuery(bad).ok()) << bad;
  }
}

TEST(SummaryJson, IsAsDocumented) {
  EXPECT_EQ(SummaryToJson({{"default", 43236, 41554234598}, {"fallback", 0, 0}}),
            R"({"default":{"totalRequests":43236,"totalAmount":415542345.98},)"
            R"("fallback":{"totalRequests":0,"totalAmount":0.00}})");
}

// Redis may hold any name.
TEST(SummaryJson, IsJsonWhateverTheNames) {
  EXPECT_EQ(SummaryToJson({{"a\"},\n\x01\xff", 1, 5}}),
            R"({"a\"},\u000a\u0001\ufffd":{"totalRequests":1,"totalAmount":0.05}})");
}

TEST(ProcessorDirectory, TakesNoNameThatALineOrJsonCannotShow) {
  ProcessorDirectory directory({"default"});
  for (const std::string bad : {"a\nb", "a\tb", "\x1b[2J", "a\x7f", "a\"b", "a\\b", "\xff",
                                "\xC2\x9B", "\xE2\x80\xA8", "\xED\xA0\x80"}) {
    EXPECT_FALSE(IsProcessorName(bad));
    EXPECT_FALSE(directory.Add(bad)) << bad;
    EXPECT_FALSE(directory.Add("good" + bad)) << bad;
  }
  EXPECT_FALSE(directory.Add(std::string("a\0b", 3)));
  EXPECT_EQ(directory.size(), 1U);
  for (const char* good : {"eu-west.1", "Zahlungen für alle", "bob's", "a:b/c"}) {
    EXPECT_TRUE(directory.Add(good)) << good;
  }
}

TEST(ProcessorDirectory, KeepsConfiguredNamesFirstAndAppends) {
  ProcessorDirectory directory({"default", "fallback"});
  EXPECT_EQ(directory.configured_count(), 2U);
  EXPECT_EQ(directory.Find("fallback"), ProcessorId{1});
  EXPECT_EQ(directory.Add("gone"), ProcessorId{2});
  EXPECT_EQ(directory.Add("gone"), ProcessorId{2});
  EXPECT_EQ(directory.Name(2), "gone");
  EXPECT_FALSE(directory.Add(""));
  EXPECT_FALSE(directory.Add(std::string(kProcessorNameBytesMax + 1, 'x')));
  while (directory.size() < kProcessorsMax) {
    ASSERT_TRUE(directory.Add("p" + std::to_string(directory.size())));
  }
  EXPECT_FALSE(directory.Add("one too many"));
}

TEST(RejectReason, ANumberThatStandsForNoneIsNone) {
  for (uint64_t number = 0; number <= 3; ++number) {
    EXPECT_EQ(static_cast<uint64_t>(RejectReasonFrom(number)), number);
  }
  for (const uint64_t number : {uint64_t{4}, uint64_t{255}, uint64_t{257}, UINT64_MAX}) {
    EXPECT_EQ(RejectReasonFrom(number), RejectReason::kNone) << number;
    EXPECT_EQ(Name(RejectReasonFrom(number)), "");
  }
  EXPECT_EQ(Name(RejectReason::kElsewhere), "elsewhere");
}

}  // namespace
}  // namespace tollgate::payments

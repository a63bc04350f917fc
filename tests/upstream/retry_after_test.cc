// Retry-After: which values are parsed, which are not, and that the maximum limits any value.
#include "upstream/retry_after.h"

#include <gtest/gtest.h>

#include <string>

#include "tollgate/upstream/processor_client.h"
#include "upstream/answer.h"

namespace tollgate::upstream {
namespace {

constexpr int64_t kNowMs = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

int64_t MsOf(std::string_view value) { return RetryAfterMs(ParseRetryAfter(value), kNowMs); }

TEST(RetryAfter, SecondsFromNow) {
  EXPECT_EQ(MsOf("0"), 0);
  EXPECT_EQ(MsOf(" 2\r\n"), 2'000);
  EXPECT_EQ(MsOf("007"), 7'000);
  EXPECT_EQ(MsOf("30"), kRetryAfterMsMax);
}

TEST(RetryAfter, UntilADate) {
  EXPECT_EQ(MsOf("Sun, 06 Nov 1994 08:49:47 GMT"), 10'000);
  EXPECT_EQ(MsOf("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
  EXPECT_EQ(MsOf("Sat, 05 Nov 1994 08:49:37 GMT"), 0) << "over";
  EXPECT_EQ(RetryAfterMs(ParseRetryAfter("Thu, 29 Feb 2024 23:59:60 GMT"), 1'709'251'195'000),
            5'000);
}

TEST(RetryAfter, NobodysWordCountsForLongerThanTheMost) {
  for (const char* const value : {"31", "86400", "2147483648", "99999999999999999999999999",
                                  "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    EXPECT_EQ(MsOf(value), kRetryAfterMsMax) << value;
  }
}

TEST(RetryAfter, WhatIsNeitherIsNotRead) {
  for (const char* const value : {"",
                                  " ",
                                  "-1",
                                  "+1",
                                  "1.5",
                                  "1s",
                                  "0x10",
                                  "1 2",
                                  "soon",
                                  "Sun, 06 Nov 1994 08:49:47",
                                  "Sun, 31 Feb 1994 08:49:47 GMT",
                                  "Sun, 06 Nox 1994 08:49:47 GMT",
                                  "Sun, 06 Nov 1994 24:49:47 GMT",
                                  "Sun, 06 Nov 1994 08:60:47 GMT",
                                  "Sun, 06 Nov 1994 08:49:61 GMT",
                                  "Sun, 06 Nov 1994 08:49:47 CET",
                                  "Sunday, 06-Nov-94 08:49:47 GMT",
                                  "Sun Nov  6 08:49:47 1994",
                                  "Sun, -6 Nov 1994 08:49:47 GMT",
                                  "Sun, 06 Nov -994 08:49:47 GMT"}) {
    EXPECT_EQ(ParseRetryAfter(value).kind, RetryAfter::Kind::kNone) << value;
    EXPECT_EQ(MsOf(value), 0) << value;
  }
}

TEST(RetryAfter, IsThatOfTheFinalAnswer) {
  Answer answer;
  answer.Reset();
  for (const char* const line :
       {"HTTP/1.1 103 Early Hints\r\n", "Retry-After: 9\r\n", "\r\n", "HTTP/1.1 429 x\r\n"}) {
    ASSERT_TRUE(answer.OnLine(line));
  }
  EXPECT_EQ(answer.retry_after().kind, RetryAfter::Kind::kNone);
  ASSERT_TRUE(answer.OnLine("RETRY-AFTER:3\r\n"));
  EXPECT_EQ(RetryAfterMs(answer.retry_after(), kNowMs), 3'000);
  answer.Reset();
  EXPECT_EQ(answer.retry_after().kind, RetryAfter::Kind::kNone);
}

}  // namespace
}  // namespace tollgate::upstream

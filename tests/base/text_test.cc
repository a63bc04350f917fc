#include "tollgate/base/text.h"

#include <gtest/gtest.h>

namespace tollgate::base {
namespace {

TEST(Text, CharactersAreThoseOfUtf8AndNothingElse) {
  EXPECT_EQ(Utf8Bytes("a"), 1U);
  EXPECT_EQ(Utf8Bytes(std::string_view("\0", 1)), 1U);
  EXPECT_EQ(Utf8Bytes("é…"), 2U);
  EXPECT_EQ(Utf8Bytes("…"), 3U);
  EXPECT_EQ(Utf8Bytes("\xF0\x9F\x98\x80"), 4U);
  EXPECT_EQ(Utf8Bytes("\xF4\x8F\xBF\xBF"), 4U);
  for (const char* bad :
       {"", "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xE2\x80", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(Utf8Bytes(bad), 0U) << Printable(bad);
  }
}

TEST(Text, WhatALineCannotShowIsShownAsItsBytes) {
  EXPECT_EQ(Printable("plain \"text\" \\ é …"), "plain \"text\" \\ é …");
  EXPECT_EQ(Printable("a\nb\r\n\tc"), "a\\x0ab\\x0d\\x0a\\x09c");
  EXPECT_EQ(Printable("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\xC2\x9B 1m"), "\\xc2\\x9b 1m");  // an escape sequence in one character
  EXPECT_EQ(Printable("\xE2\x80\xA8"), "\\xe2\\x80\\xa8");
  EXPECT_EQ(Printable("\xFF\xC3"), "\\xff\\xc3");
  EXPECT_EQ(Printable(""), "");
  EXPECT_TRUE(IsPrintable("\xC2\xA0é"));
  for (const char* bad : {"\n", "a\x7f", "\xC2\x9B", "\xE2\x80\xA9", "\xFF"}) {
    EXPECT_FALSE(IsPrintable(bad)) << Printable(bad);
  }
}

TEST(Text, IsCutWhereNobodyReadsOn) {
  EXPECT_EQ(Printable("abcdef", 4), "abcd… (2 more bytes)");
  EXPECT_EQ(Printable("abcd", 4), "abcd");
  EXPECT_LT(Printable(std::string(10'000'000, '\x01')).size(), 5 * kShownBytesMax);
}

TEST(Text, IsPercentDecodedWhole) {
  using namespace std::string_view_literals;
  EXPECT_EQ(PercentDecoded(""), "");
  EXPECT_EQ(PercentDecoded("a+b c"), "a+b c");
  EXPECT_EQ(PercentDecoded("%2B%2b%00%ff%25%32"), "++\0\xff%2"sv);
  for (const char* bad :
       {"%", "a%4", "%%", "%4g", "%g4", "%0x41", "%-1", "%+1", "% 1", "ok%41%4"}) {
    EXPECT_FALSE(PercentDecoded(bad)) << bad;
  }
}

}  // namespace
}  // namespace tollgate::base

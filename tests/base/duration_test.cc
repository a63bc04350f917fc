#include "tollgate/base/duration.h"

#include <gtest/gtest.h>

namespace tollgate::base {
namespace {

TEST(Duration, ReadsWhatGoWrites) {
  const std::pair<const char*, int64_t> good[] = {
      {"0", 0},
      {"500ms", 500'000'000},
      {"5s", 5'000'000'000},
      {"1m30s", 90'000'000'000},
      {"1.5h", 5'400'000'000'000},
      {"250us", 250'000},
      {"250µs", 250'000},
      {"7ns", 7},
      {".5s", 500'000'000},
      {"1h0m0.25s", 3'600'250'000'000},
      {"+5s", 5'000'000'000},
      {"-5s", -5'000'000'000},
      {"-1.5h", -5'400'000'000'000},
      {"-.5s", -500'000'000},
      {"+0", 0},
      {"-0", 0},
      {"0s", 0},
      {"1h2m3.5s", 3'723'500'000'000},
      {"1.s", 1'000'000'000},
      {"1\xC2\xB5s", 1'000},
      {"1\xCE\xBCs", 1'000},
      {"5m5m", 600'000'000'000},
      {"0.0000000000000000000000001h", 0},
      {"0.123456789123456789123456789s", 123'456'789},
      {"0.3333333333333333333h", 1'199'999'999'999},
      {"000000000000000000000000000005s", 5'000'000'000},
      {"9223372036854775807ns", INT64_MAX},
      {"-9223372036854775808ns", INT64_MIN},
      {"2562047h47m16.854775807s", INT64_MAX},
  };
  for (const auto& [text, nanos] : good) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed.value(), nanos) << text;
  }
}

TEST(Duration, RefusesEverythingElse) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "there is none"},
      {"+", "there is none"},
      {"-", "there is none"},
      {"5", "has no unit"},
      {"00", "has no unit"},
      {"1.", "has no unit"},
      {"5s5", "has no unit"},
      {"1..5s", "has no unit"},
      {"s", "behind a number"},
      {".s", "behind a number"},
      {".", "behind a number"},
      {"+-5s", "behind a number"},
      {" 5s", "behind a number"},
      {"5 s", "' s' is no unit"},
      {"5s ", "'s ' is no unit"},
      {"5x", "'x' is no unit"},
      {"5ss", "'ss' is no unit"},
      {"5S", "'S' is no unit"},
      {"1d", "'d' is no unit"},
      {"1e3s", "'e' is no unit"},
      {"1h-5m", "'h-' is no unit"},
      {"1\xC2s", "is no unit"},
      {"9999999999h", "290 years"},
      {"99999999999999999999s", "290 years"},
      {"9223372036854775808ns", "290 years"},
      {"-9223372036854775809ns", "290 years"},
      {"2562047h47m16.854775808s", "290 years"},
      {"9223372036854775807ns1ns", "290 years"},
      {"100000000000000000000000000000000000000000000000000000000000h", "290 years"},
  };
  for (const auto& [text, says] : cases) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("500ms"), std::string::npos);
    EXPECT_NE(parsed.error().message.find(says), std::string::npos)
        << text << " says: " << parsed.error().message;
  }
}

TEST(Duration, WritesWhatItReads) {
  for (const int64_t nanos :
       {int64_t{0}, int64_t{7}, int64_t{1'500'000'000}, int64_t{60'000'000'000}}) {
    EXPECT_EQ(ParseDuration(FormatDuration(nanos)).value(), nanos);
  }
  EXPECT_EQ(FormatDuration(60'000'000'000), "1m");
  EXPECT_EQ(FormatDuration(1'500'000'000), "1500ms");
}

}  // namespace
}  // namespace tollgate::base

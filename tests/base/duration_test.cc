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
  };
  for (const auto& [text, nanos] : good) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed.value(), nanos) << text;
  }
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "5", "s", "-5s", "5 s", "5x", "5ss", "1e3s", "9999999999h", "1..5s",
                           "99999999999999999999s"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("500ms"), std::string::npos);
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

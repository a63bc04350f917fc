#include "config/parsers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/settings.h"

namespace tollgate::config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;

std::string Complaint(const Parser<int64_t>& parse, const std::string& text) {
  int64_t value = 7;
  const Problem problem = parse(text, value);
  EXPECT_EQ(value == 7, problem.has_value()) << "a wrong text leaves the value as it is";
  return problem.value_or("");
}

int64_t Made(const Parser<int64_t>& parse, const std::string& text) {
  int64_t value = 0;
  EXPECT_EQ(parse(text, value), std::nullopt) << text;
  return value;
}

TEST(Parsers, ATimeIsBoundedOnBothSidesAndCutToItsUnit) {
  EXPECT_EQ(Made(Millis(), "1500us"), 1);
  EXPECT_EQ(Made(Micros(1us, 1s), "1s"), 1'000'000);
  EXPECT_EQ(Made(Seconds(60s), "1m"), 60);
  EXPECT_EQ(Complaint(Millis(), "999us"), "must be at least 1ms");
  EXPECT_EQ(Complaint(Micros(1us, 1s), "1000001us"), "must be at most 1s");
  EXPECT_EQ(Made(Micros(1us, 1s), "1000000999ns"), 1'000'000) << "parts of a unit are left out";
  EXPECT_EQ(Complaint(Millis(), "10000h1ns"), "must be at most 10000h");
  EXPECT_EQ(Complaint(Micros(1us, 1s), "10001h"), "must be at most 10000h");
  EXPECT_EQ(Complaint(Millis(1ms, 5s, "must be short"), "6s"), "must be short");
  EXPECT_EQ(Complaint(Millis(1ms, 5s, "must be short"), "0"), "must be short");
  EXPECT_NE(Complaint(Millis(1ms, 5s, "must be short"), "x"), "must be short")
      << "what is no duration is told as such";
}

TEST(Parsers, CountsAndSharesAreWholeTexts) {
  size_t count = 7;
  for (const char* wrong : {"", "0", "11", "-1", "+5", " 5", "5 ", "5.0", "0x5"}) {
    EXPECT_EQ(Count(1, 10)(wrong, count), "must be a whole number from 1 to 10") << wrong;
  }
  EXPECT_EQ(Count(1, 10, "must be few")("11", count), "must be few");
  EXPECT_EQ(count, 7U);
  EXPECT_EQ(Count(1, 10)("10", count), std::nullopt);
  EXPECT_EQ(count, 10U);
  EXPECT_EQ(Made(Share(), "0.0000014"), 1) << "to millionths";
  for (const char* wrong : {"", "1.01", "-0.1", "nan", "0.1x"}) {
    EXPECT_NE(Complaint(Share(), wrong), "") << wrong;
  }
}

TEST(Parsers, AnEmptyTextMayLeaveTheValueAsItIs) {
  size_t count = 7;
  EXPECT_EQ(OrEmpty(Count(1, 10))("", count), std::nullopt);
  EXPECT_EQ(count, 7U);
  EXPECT_NE(OrEmpty(Count(1, 10))("0", count), std::nullopt);
}

TEST(Parsers, AssignReachesMembersOfMembers) {
  Config config;
  const auto apply = Assign(Count(1, 10), &Config::server, &server::ServerOptions::pipeline_max);
  EXPECT_EQ(apply(config, "3"), std::nullopt);
  EXPECT_EQ(config.server.pipeline_max, 3U);
  EXPECT_NE(apply(config, "0"), std::nullopt);
}

TEST(Settings, EachHasItsNameAndTakesItsDefault) {
  std::set<std::string> names;
  Config config;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(setting.apply(config, setting.default_text), std::nullopt) << setting.name;
  }
}

}  // namespace
}  // namespace tollgate::config

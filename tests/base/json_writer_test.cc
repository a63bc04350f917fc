#include "tollgate/base/json_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace tollgate::base {
namespace {

using namespace std::string_view_literals;

std::string Quoted(std::string_view text) {
  std::string out;
  JsonWriter(out).String(text);
  return out;
}

TEST(JsonWriter, ATextIsAStringWhateverItHolds) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("default"), R"("default")");
  EXPECT_EQ(Quoted(R"(a"b\c/)"), R"("a\"b\\c/")");
  EXPECT_EQ(Quoted("\0\b\t\n\r\x1f x"sv), R"("\u0000\u0008\u0009\u000a\u000d\u001f x")");
  EXPECT_EQ(Quoted("\x7f\xC2\x9B\xE2\x80\xA8é…\xF0\x9F\x98\x80"),
            "\"\x7f\xC2\x9B\xE2\x80\xA8é…\xF0\x9F\x98\x80\"");
  EXPECT_EQ(Quoted("\xFFx\xC3"), R"("\ufffdx\ufffd")");
  EXPECT_EQ(Quoted("\xED\xA0\x80\"\xC0\x80"), R"("\ufffd\ufffd\ufffd\"\ufffd\ufffd")");
}

TEST(JsonWriter, CommasStandBetweenMembersAndBetweenItems) {
  std::string out = "before ";
  JsonWriter json(out);
  json.BeginObject().Key("a").BeginArray();
  json.Number(1).BeginArray().EndArray().BeginObject().EndObject().Null().EndArray();
  json.Key("b\n").BeginObject().Key("c").Bool(true).Key("d").Bool(false).EndObject();
  json.Key("e").Decimal("19.90").Key("f").String("g").EndObject();
  EXPECT_EQ(out,
            "before "
            R"({"a":[1,[],{},null],"b\u000a":{"c":true,"d":false},"e":19.90,"f":"g"})");
}

TEST(JsonWriter, IntegersOfAnySizeAreExact) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray().Number(std::numeric_limits<int64_t>::min());
  json.Number(std::numeric_limits<uint64_t>::max()).Number(uint8_t{7}).Number(-1).EndArray();
  EXPECT_EQ(out, "[-9223372036854775808,18446744073709551615,7,-1]");
}

TEST(JsonWriter, ALineBreakStandsBehindACommaOnly) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray().BreakLine().Number(1).BreakLine().BeginObject();
  json.BreakLine().Key("a").Number(2).Key("b").Number(3).BreakLine().Key("c").BeginArray();
  json.EndArray().EndObject().Number(4).EndArray();
  EXPECT_EQ(out, "[1,\n{\"a\":2,\"b\":3,\n\"c\":[]},4]");
}

TEST(JsonWriter, BracketsNestUpToSixtyFourDeep) {
  std::string out;
  JsonWriter json(out);
  for (int i = 0; i < 32; ++i) json.BeginObject().Key("").BeginArray();
  for (int i = 0; i < 32; ++i) json.EndArray().EndObject();
  std::string expected;
  for (int i = 0; i < 32; ++i) expected += "{\"\":[";
  for (int i = 0; i < 32; ++i) expected += "]}";
  EXPECT_EQ(out, expected);
}

// Each in a process of its own, which ends.
TEST(JsonWriterDeathTest, WhatIsNotJsonIsAProgrammerError) {
  std::string out;
  JsonWriter json(out);
  EXPECT_DEATH(json.Key("a"), "assertion failed") << "a member without an object";
  EXPECT_DEATH(json.EndArray(), "assertion failed") << "an end without a beginning";
  EXPECT_DEATH(json.Null().Null(), "assertion failed") << "two texts";
  EXPECT_DEATH(json.BeginObject().Null(), "assertion failed") << "a value without a name";
  EXPECT_DEATH(json.BeginObject().EndArray(), "assertion failed") << "another bracket";
  EXPECT_DEATH(json.BeginArray().Key("a"), "assertion failed") << "a name in an array";
  EXPECT_DEATH(json.BeginObject().Key("a").Key("b"), "assertion failed") << "two names";
  EXPECT_DEATH(json.BeginObject().Key("a").EndObject(), "assertion failed") << "no value";
  EXPECT_DEATH(json.BeginArray().BreakLine().EndArray(), "assertion failed") << "no next item";
  EXPECT_DEATH(for (int i = 0; i < 65; ++i) json.BeginArray(), "assertion failed") << "too deep";
}

}  // namespace
}  // namespace tollgate::base

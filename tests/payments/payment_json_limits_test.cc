// JSON is never called "not valid JSON": each of our own limits is either not reached or named.
// Text that is not JSON is never accepted.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "tests/payments/json_reference.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/payment_json.h"

namespace tollgate::payments {
namespace {

using testing::JsonReference;

constexpr char kId[] = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
constexpr std::string_view kNotJson = "body: is not valid JSON";

ParsedPayment Parse(std::string body, char behind = '"') {
  static PaymentParser parser(kBodyBytesMax);
  const size_t size = body.size();
  body.append(kJsonPaddingBytes, behind);  // any bytes may follow
  return parser.Parse(std::string_view(body).substr(0, size));
}

std::string With(const std::string& member) {
  return "{" + member + R"(,"correlationId":")" + kId + R"(","amount":19.90})";
}
std::string WithValue(const std::string& value) { return With("\"note\":" + value); }

std::string Repeated(const std::string& part, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += part;
  return text;
}

TEST(PaymentJsonLimits, MembersThatNobodyNeedsAreTakenWhateverTheyHold) {
  const std::vector<std::string> bodies = {
      WithValue(R"("lunch \ud83d")"),        // half an emoji
      WithValue(R"("lunch \ude00")"),        // its other half
      WithValue(R"("\ud83d\u0041")"),        // a half before something else
      WithValue(R"("\ud83d\ud83d\ude00")"),  // a half before a whole one
      WithValue(R"("\uD83D\uDE00")"),        // a whole one
      WithValue(R"(["\udfff",{"\ud800":"\udc00\ud800"}])"),
      With(R"("\ud83d":1)"),        // as a name
      With(R"("\ud83damount":1)"),  // a name that only ends like one of ours
      WithValue(R"("a\u0000b")"),   // NUL
      With(R"("amount\u0000":1)"),  // is not "amount"
      With(R"("":1)"),              // an empty name
      WithValue("1e999"),           // no double
      WithValue("-1e-999"),
      WithValue("1e99999999999999999999"),  // no exponent of 64 bits
      WithValue(std::string(400, '9')),     // no integer of 64 bits
      WithValue("18446744073709551616"),
      WithValue("-0"),
      WithValue("-0.0e+00"),
      WithValue("0." + std::string(400, '0') + "1"),
      WithValue("\"" + std::string(60'000, 'x') + "\""),
      WithValue("\"" + Repeated("\\u00e9", 10'000) + "\""),
      WithValue("[" + Repeated("[],", 20'000) + "{}]"),
      WithValue(Repeated("[", 64) + "1" + Repeated("]", 64)),
      WithValue(Repeated("{\"a\":", 64) + "1" + Repeated("}", 64)),
      With(R"("note":1,"note":2,"note":{"note":3})"),  // repeated, and not used
      With(Repeated("\"a\":0,", 8'000) + "\"a\":0"),
      With("\"" + std::string(60'000, 'n') + "\":1"),
      "\n\n\t\r " + WithValue("\n[\t1\r, 2 ]\n") + "\r\n\t ",
  };
  for (const std::string& body : bodies) {
    const ParsedPayment parsed = Parse(body);
    ASSERT_TRUE(parsed.ok()) << body.substr(0, 200) << ": " << parsed.problem;
    EXPECT_EQ(ToString(parsed.payment.id), kId);
    EXPECT_EQ(parsed.payment.amount_cents, 1990);
    ASSERT_TRUE(JsonReference::IsJson(body)) << body.substr(0, 200);
  }
}

TEST(PaymentJsonLimits, ALimitOfOursIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {WithValue(Repeated("[", 65) + Repeated("]", 65)), "nested more than 64 deep"},
      {WithValue(Repeated("[", 1'100) + Repeated("]", 1'100)), "nested more than 64 deep"},
      {WithValue(Repeated("{\"a\":", 5'000) + "1" + Repeated("}", 5'000)), "64 deep"},
      {"\xef\xbb\xbf" + WithValue("1"), "byte order mark"},
      {"\xff\xfe{", "UTF-8"},
      {R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60\ud83d","amount":1})", "UUID"},
      {R"({"correlationId":"\ude00","amount":1})", "UUID"},
      {R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3\u0000","amount":1})", "UUID"},
      {R"({"correlationId":")" + std::string(60'000, 'a') + R"(","amount":1})", "UUID"},
      {R"({"correlationId":")" + std::string(kId) + R"(","amount":)" + std::string(400, '9') + "}",
       "at most 9999999999.99"},
      {R"({"correlationId":")" + std::string(kId) + R"(","amount":1e999})", "at most"},
      {R"({"correlationId":")" + std::string(kId) + R"(","amount":0.)" + std::string(400, '0') +
           "1}",
       "two decimal places"},
  };
  for (const auto& [body, says] : cases) {
    const ParsedPayment parsed = Parse(body);
    ASSERT_FALSE(parsed.ok()) << body.substr(0, 200);
    EXPECT_NE(parsed.problem.find(says), std::string_view::npos)
        << body.substr(0, 200) << " says: " << parsed.problem;
  }
}

TEST(PaymentJsonLimits, WhatStandsTwiceIsSeenHoweverItIsSpelt) {
  const std::string id = "\"" + std::string(kId) + "\"";
  for (const std::string name : {R"(amount)", R"(\u0061mount)", R"(amoun\u0074)",
                                 R"(\u0061\u006d\u006f\u0075\u006e\u0074)"}) {
    const ParsedPayment parsed = Parse(With("\"" + name + "\":19.90"));
    EXPECT_EQ(parsed.problem, "amount: stands twice") << name;
  }
  for (const std::string name :
       {R"(correlationId)", R"(correlation\u0049d)", R"(\u0063orrelationId)"}) {
    const ParsedPayment parsed = Parse(With("\"" + name + "\":" + id));
    EXPECT_EQ(parsed.problem, "correlationId: stands twice") << name;
  }
  // Spelt with escapes, and once.
  const ParsedPayment parsed = Parse(
      R"({"correlation\u0049d":"4A7901b8-7d26-4d9d-aa19-4dc1c7cf60\u00623","\u0061mount":2e1})");
  ASSERT_TRUE(parsed.ok()) << parsed.problem;
  EXPECT_EQ(ToString(parsed.payment.id), kId);
  EXPECT_EQ(parsed.payment.amount_cents, 2000);
}

TEST(PaymentJsonLimits, WhatIsNoJsonIsRefusedAlsoWhereNobodyLooks) {
  for (const std::string value : {R"("\ud83")",
                                  R"("\ud83g")",
                                  R"("\u")",
                                  R"("\ud83d\u12")",
                                  R"("\ud83d\x")",
                                  R"("\U0041")",
                                  R"("\')",
                                  "\"\t\"",
                                  "\"\x7f\xff\"",
                                  "\"\xed\xa0\xbd\"",
                                  "01",
                                  "+1",
                                  "1.",
                                  ".5",
                                  "1e",
                                  "0x1",
                                  "NaN",
                                  "Infinity",
                                  "-",
                                  "--1",
                                  "1.e5",
                                  "tru",
                                  "truee",
                                  "nul",
                                  "'a'",
                                  "[1,]",
                                  "[,1]",
                                  "{\"a\":1,}",
                                  "{a:1}",
                                  "{\"a\" 1}",
                                  "[1}",
                                  "[",
                                  "\"",
                                  "\\u0022",
                                  ""}) {
    const std::string body = WithValue(value);
    EXPECT_FALSE(Parse(body).ok()) << body;
    EXPECT_FALSE(JsonReference::IsJson(body)) << body;
  }
}

// Pieces that are easily misread, in any order.
rc::Gen<std::string> AnyBody() {
  const auto piece = rc::gen::element<std::string>(
      "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0061mount",
      "\"amount\":", "\"amount\":19.9",
      "\"correlationId\":", "\"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3\"", "1", "-", "0", ".", "e",
      "E+5", "true", "null", "fals", " ", "\n", std::string(1, '\0'), "\xc3\xa9", "\xff", "\x01",
      "a", "\"a\":");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const auto& pieces) {
    std::string text;
    for (const std::string& it : pieces) text += it;
    return text;
  });
}
rc::Gen<std::string> AnyString() {
  const auto piece = rc::gen::element<std::string>(
      "\\ud83d", "\\ude00", "\\uDBFF\\uDFFF", "\\u0000", "\\u00e9", "\\n", "\\\\", "\\/", "a",
      "\xc3\xa9", "\\u12", "\\x", "\x01", "\xed\xa0\x80");
  const auto often = rc::gen::weightedOneOf<std::string>(
      {{30, rc::gen::element<std::string>("\\ud83d", "\\ude00", "\\u0061", "b", "\\t")},
       {1, piece}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(often), [](const auto& pieces) {
    std::string text = "\"";
    for (const std::string& it : pieces) text += it;
    return text + "\"";
  });
}
rc::Gen<std::string> WithinAPayment() {
  return rc::gen::map(AnyBody(), [](const std::string& text) { return WithValue(text); });
}

TEST(PaymentJsonLimits, AnswersAgreeWithTheGrammar) {
  const auto agrees = [](const std::string& body) {
    const bool is_json = JsonReference::IsJson(body);
    for (const char behind : {'"', '}', ' ', '\\', '0'}) {
      const ParsedPayment parsed = Parse(body, behind);
      RC_ASSERT(!parsed.ok() || is_json);
      RC_ASSERT(parsed.problem != kNotJson || !is_json);
    }
  };
  rc::check([&] { agrees(*AnyBody()); });
  rc::check([&] { agrees(*WithinAPayment()); });
  rc::check([&] { agrees(WithValue(*AnyString())); });
  rc::check([&] { agrees(With(*AnyString() + ":[{" + *AnyString() + ":1}]")); });
}

}  // namespace
}  // namespace tollgate::payments

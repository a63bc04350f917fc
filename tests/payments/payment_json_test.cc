#include "tollgate/payments/payment_json.h"

#include <gtest/gtest.h>

#include <string>

#include "tollgate/payments/limits.h"

namespace tollgate::payments {
namespace {

constexpr char kId[] = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";

ParsedPayment Parse(std::string body) {
  static PaymentParser parser(kBodyBytesMax);
  const size_t size = body.size();
  body.append(kJsonPaddingBytes, '}');  // any bytes may follow
  return parser.Parse(std::string_view(body).substr(0, size));
}

std::string Body(const std::string& id, const std::string& amount) {
  return R"({"correlationId":)" + id + R"(,"amount":)" + amount + "}";
}

std::string WithExtra(const std::string& extra) {
  return "{" + extra + R"(,"correlationId":")" + kId + R"(","amount":19.90})";
}

TEST(PaymentParser, TakesAPayment) {
  for (const auto& body : {
           Body("\"" + std::string(kId) + "\"", "19.90"),
           Body("\"4A7901B8-7D26-4D9D-AA19-4DC1C7CF60B3\"", "19.9"),
           std::string(" \r\n\t{ \"amount\" : 1990e-2 , \"correlationId\" : \"") + kId + "\" } \n",
           WithExtra(R"("note":"caf\u00e9 \n","list":[1,-2.5e3,{"a":[]},true,false,null])"),
           std::string(R"({"\u0063orrelationId":")") + kId + R"(","amoun\u0074":19.90})",
       }) {
    const auto parsed = Parse(body);
    ASSERT_TRUE(parsed.ok()) << body << ": " << parsed.problem;
    EXPECT_EQ(ToString(parsed.payment.id), kId);
    EXPECT_EQ(parsed.payment.amount_cents, 1990);
  }
}

struct BadBody {
  std::string body;
  std::string says;
};

TEST(PaymentParser, SaysWhatIsWrong) {
  const std::string id = "\"" + std::string(kId) + "\"";
  const std::string good = Body(id, "19.90");
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "[";
  const std::vector<BadBody> cases = {
      {"", "body: is empty"},
      {"   ", "body: is empty"},
      {"[]", "one JSON object"},
      {"\"x\"", "one JSON object"},
      {"12", "one JSON object"},
      {"null", "one JSON object"},
      {"{}", "correlationId: is missing"},
      {R"({"amount":1})", "correlationId: is missing"},
      {"{\"correlationId\":" + id + "}", "amount: is missing"},
      {Body("\"4a7901b8\"", "1"), "UUID"},
      {Body("\"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60bg\"", "1"), "UUID"},
      {Body("\"{4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b}\"", "1"), "UUID"},
      {Body("12", "1"), "must be a string"},
      {Body("null", "1"), "must be a string"},
      {Body(id, "\"19.90\""), "not a string"},
      {Body(id, "null"), "must be a number"},
      {Body(id, "true"), "must be a number"},
      {Body(id, "{}"), "must be a number"},
      {Body(id, "0"), "more than zero"},
      {Body(id, "-0"), "more than zero"},
      {Body(id, "-5"), "more than zero"},
      {Body(id, "19.999"), "two decimal places"},
      {Body(id, "1e-3"), "two decimal places"},
      {Body(id, "10000000000"), "at most"},
      {Body(id, "1e999999999999"), "at most"},
      {Body(id, "01"), "JSON number"},
      {Body(id, "1."), "JSON number"},
      {Body(id, "1e"), "JSON number"},
      {Body(id, "0x10"), "JSON number"},
      {Body(id, "1 2"), "not valid JSON"},
      {WithExtra("\"amount\":19.90"), "amount: stands twice"},
      {WithExtra("\"\\u0061mount\":19.90"), "amount: stands twice"},
      {WithExtra("\"correlationId\":" + id), "correlationId: stands twice"},
      {good + good, "nothing behind it"},
      {good + "x", "nothing behind it"},
      {good + ",", "nothing behind it"},
      {good + std::string(1, '\0'), "nothing behind it"},
      {good + "}", "nothing behind it"},
      {good.substr(0, good.size() - 1), "JSON"},
      {"{\"correlationId\":" + id + " \"amount\":1}", "not valid JSON"},
      {"{\"correlationId\" " + id + ",\"amount\":1}", "not valid JSON"},
      {"{\"correlationId\":" + id + ",\"amount\":1,}", "not valid JSON"},
      {"{,\"correlationId\":" + id + ",\"amount\":1}", "not valid JSON"},
      {"{correlationId:" + id + ",\"amount\":1}", "not valid JSON"},
      {WithExtra("\"a\":tru"), "not valid JSON"},
      {WithExtra("\"a\":nul"), "not valid JSON"},
      {WithExtra("\"a\":nulll"), "not valid JSON"},
      {WithExtra("\"a\":01"), "not valid JSON"},
      {WithExtra("\"a\":[1,]"), "not valid JSON"},
      {WithExtra("\"a\":[1 2]"), "not valid JSON"},
      {WithExtra("\"a\":{\"b\"}"), "not valid JSON"},
      {WithExtra("\"a\":\"\\x\""), "not valid JSON"},
      {WithExtra("\"a\":\"\\ud80\""), "not valid JSON"},
      {WithExtra("\"a\":\"\x01\""), "not valid JSON"},
      {WithExtra("\"a\":\"\xff\""), "UTF-8"},
      {WithExtra("\"a\":\"\xc0\x80\""), "UTF-8"},
      {WithExtra("\"a\":" + deep), "JSON"},
  };
  for (const auto& bad : cases) {
    const auto parsed = Parse(bad.body);
    EXPECT_FALSE(parsed.ok()) << bad.body;
    EXPECT_NE(parsed.problem.find(bad.says), std::string_view::npos)
        << bad.body << " says: " << parsed.problem;
  }
}

TEST(PaymentParser, RefusesEveryPrefixOfAPayment) {
  const std::string good = WithExtra(R"("note":[{"a":"b"},null])");
  ASSERT_TRUE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Parse(good.substr(0, size)).ok()) << good.substr(0, size);
  }
}

}  // namespace
}  // namespace tollgate::payments

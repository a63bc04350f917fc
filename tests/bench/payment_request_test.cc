#include "bench/load/payment_request.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tollgate/http/request_parser.h"
#include "tollgate/payments/payment_json.h"

namespace tollgate::bench {
namespace {

TEST(PaymentRequest, IsARequestThatTheGatewayTakes) {
  PaymentRequest request("/payments", "19.90", 7);
  std::string bytes(request.Next());
  http::RequestParser parser({});
  ASSERT_EQ(parser.Parse(bytes.data(), bytes.size()), http::ParseStatus::kReady);
  EXPECT_EQ(parser.consumed(), bytes.size());
  EXPECT_EQ(parser.request().path, "/payments");
  std::string body(parser.request().body);
  const size_t body_bytes = body.size();
  body.append(payments::kJsonPaddingBytes, ' ');
  payments::PaymentParser json(1024);
  const auto parsed = json.Parse(std::string_view(body).substr(0, body_bytes));
  ASSERT_TRUE(parsed.ok()) << parsed.problem;
  EXPECT_EQ(parsed.payment.amount_cents, 1990);
}

TEST(PaymentRequest, IdsDoNotRepeatWithinOrBetweenSeeds) {
  std::set<std::string> seen;
  std::set<std::string> beginnings;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    PaymentRequest request("/payments", "1", seed);
    for (int i = 0; i < 2'000; ++i) {
      const std::string text(request.Next());
      const std::string id = text.substr(text.find("Id\":\"") + 5, 36);
      EXPECT_TRUE(seen.insert(id).second) << id;
      beginnings.insert(id.substr(0, 2));
    }
  }
  EXPECT_EQ(beginnings.size(), 256U);  // the books spread them by their first bytes
}

}  // namespace
}  // namespace tollgate::bench

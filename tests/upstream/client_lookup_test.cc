// What a look-up finds, and which answers are unclear.
#include <gtest/gtest.h>

#include <string>

#include "tests/upstream/client_fixture.h"

namespace tollgate::upstream {
namespace {

constexpr const char* kFoundBody =
    "{\"correlationId\":\"00000000-0000-0007-0000-000000000001\",\"amount\":19.90,"
    "\"requestedAt\":\"2025-07-15T12:34:56.12\"}";

TEST_F(HttpProcessorClientTest, LookupFinds) {
  Start(Options());
  server_.on_request = [](Connection& connection, std::string_view) {
    connection.Send(With("200 OK", kFoundBody));
  };
  const LookupResult result = LookupOne();
  EXPECT_EQ(result.outcome, LookupOutcome::kFound);
  EXPECT_EQ(result.payment, Request().payment);
  EXPECT_EQ(result.requested_at_ms, 1'752'582'896'120);
  EXPECT_TRUE(server_.requests().at(0).starts_with(
      "GET /payments/00000000-0000-0007-0000-000000000001 HTTP/1.1\r\n"));
}

TEST_F(HttpProcessorClientTest, LookupOutcomes) {
  const std::pair<std::string, LookupOutcome> rows[] = {
      {Empty("404 Not Found"), LookupOutcome::kAbsent},
      {Head("404 Not Found") + "Content-Le", LookupOutcome::kUnclear},
      {Empty("429 Too Many Requests"), LookupOutcome::kUnclear},
      {Empty("500 Internal Server Error"), LookupOutcome::kUnclear},
      {Empty("200 OK"), LookupOutcome::kUnclear},
      {With("200 OK", "{}"), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + std::string(2000, ' ')), LookupOutcome::kUnclear},
      {Head("200 OK") + "\r\n" + kFoundBody, LookupOutcome::kUnclear},
      {With("200 OK",
            "{\"correlationId\":\"00000000-0000-0007-0000-000000000002\","
            "\"amount\":19.90,\"requestedAt\":\"2025-07-15T12:34:56.12\"}"),
       LookupOutcome::kUnclear},
      {"", LookupOutcome::kUnclear},
  };
  Start(Options());
  uint64_t cookie = 0;
  for (const auto& [answer, outcome] : rows) {
    server_.on_request = [&text = answer](Connection& connection, std::string_view) {
      connection.Send(text);
      connection.Close();
    };
    EXPECT_EQ(LookupOne(++cookie).outcome, outcome) << answer;
  }
}

// The forwarder takes a found payment for the one that it asked for, and another amount for a
// conflict. So only an answer that is completely understood, about the same id, is "found".
TEST_F(HttpProcessorClientTest, AnAnswerAboutAnotherPaymentOrHalfUnderstoodIsUnclear) {
  const std::string mine = R"("correlationId":"00000000-0000-0007-0000-000000000001")";
  const std::string other = R"("correlationId":"00000000-0000-0007-0000-000000000002")";
  const std::string time = R"("requestedAt":"2025-07-15T12:34:56.12")";
  const std::string amount = R"("amount":19.90)";
  const auto found = [](const std::string& a, const std::string& b, const std::string& c) {
    return With("200 OK", "{" + a + "," + b + "," + c + "}");
  };
  const std::pair<std::string, LookupOutcome> rows[] = {
      {found(mine, R"("kind":"amount","fee":0.99,"amount":19.90)", time), LookupOutcome::kFound},
      {found(R"("of":{)" + other + "}," + mine, amount, time), LookupOutcome::kFound},
      {found(other, amount, time), LookupOutcome::kUnclear},
      {found(other, amount + ",\"of\":{" + mine + "}", time), LookupOutcome::kUnclear},
      {found(mine, other + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, mine + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, amount + "," + amount, time), LookupOutcome::kUnclear},
      {found(mine, R"("amount":19.904)", time), LookupOutcome::kUnclear},
      {found(mine, R"("amount":"19.90")", time), LookupOutcome::kUnclear},
      {found(mine, amount, R"("requestedAt":"9999-01-01T00:00:00Z")"), LookupOutcome::kUnclear},
      {found(mine, amount, R"("requestedAt":null)"), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + kFoundBody), LookupOutcome::kUnclear},
      {With("200 OK", std::string(kFoundBody) + "x"), LookupOutcome::kUnclear},
  };
  Start(Options());
  uint64_t cookie = 0;
  for (const auto& [answer, outcome] : rows) {
    server_.on_request = [&text = answer](Connection& connection, std::string_view) {
      connection.Send(text);
    };
    const LookupResult result = LookupOne(++cookie);
    EXPECT_EQ(result.outcome, outcome) << answer;
    if (outcome != LookupOutcome::kFound) continue;
    EXPECT_EQ(result.payment, Request().payment) << answer;
  }
}

}  // namespace
}  // namespace tollgate::upstream

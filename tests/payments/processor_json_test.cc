#include "tollgate/payments/processor_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tollgate/payments/limits.h"

namespace tollgate::payments {
namespace {

constexpr char kId[] = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
constexpr char kMember[] = R"("correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3")";
constexpr char kTime[] = R"("requestedAt":"2025-07-15T12:34:56.12")";

std::string Answer(const std::string& amount, const std::string& time = kTime) {
  return std::string("{") + kMember + ",\"amount\":" + amount + "," + time + "}";
}

TEST(ProcessorPayment, IsReadFromItsOwnMembersAndNotFromTextThatLooksLikeThem) {
  for (const std::string& body : {
           // "amount" occurs before the member that counts.
           std::string("{") + kMember + R"(,"kind":"amount","fee":0.99,"amount":19.90,)" + kTime +
               "}",
           std::string(R"({"note":"\"amount\":1.00","amount":19.90,)") + kMember + "," + kTime +
               "}",
           std::string(R"({"of":{"amount":1,"correlationId":"x"},"amount":19.90,)") + kMember +
               "," + kTime + "}",
           std::string(R"({"list":["amount",5],)") + kTime + R"(,"amount" : 19.90 ,)" + kMember +
               "}",
           std::string(R"({"\u0061mount":19.90,)") + kMember + "," + kTime + "}",
           // Members that are not used may hold anything.
           std::string(R"({"note":"\ud83d","n":1e999,"amount":19.9,)") + kMember + "," + kTime +
               "}",
       }) {
    const auto parsed = ParseProcessorPayment(body);
    ASSERT_TRUE(parsed) << body;
    EXPECT_EQ(ToString(parsed->payment.id), kId);
    EXPECT_EQ(parsed->payment.amount_cents, 1990) << body;
    EXPECT_EQ(parsed->requested_at_ms, 1'752'582'896'120);
  }
}

TEST(ProcessorPayment, AmountsAreExactHoweverTheyAreWritten) {
  const std::pair<const char*, int64_t> cases[] = {
      {"19.9", 1990},
      {"19.90", 1990},
      {"20", 2000},
      {"20.000", 2000},
      {"1e2", 10'000},
      {"1990e-2", 1990},
      {"0.01", 1},
      {"0.07", 7},
      {"0.29", 29},
      {"1.005e3", 100'500},
      {"9999999999.99", kAmountCentsMax},
  };
  for (const auto& [text, cents] : cases) {
    const auto parsed = ParseProcessorPayment(Answer(text));
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->payment.amount_cents, cents) << text;
  }
}

TEST(ProcessorPayment, WhatIsNotWhollyUnderstoodSaysNothing) {
  const std::string good = Answer("19.90");
  ASSERT_TRUE(ParseProcessorPayment(good));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseProcessorPayment(good.substr(0, size))) << good.substr(0, size);
  }
  const std::vector<std::string> unclear = {
      // Amounts that are not valid, or more exact than cents.
      Answer("19.905"),
      Answer("19.900000001"),
      Answer("0"),
      Answer("-19.90"),
      Answer("1e11"),
      Answer("\"19.90\""),
      Answer("null"),
      Answer("019.90"),
      Answer("19."),
      Answer("[19.90]"),
      Answer("NaN"),
      Answer("1e999"),
      Answer(std::string(400, '9')),
      // A member occurs twice.
      Answer("19.90,\"amount\":19.90"),
      Answer("19.90,\"\\u0061mount\":20"),
      Answer("19.90", std::string(kTime) + "," + kTime),
      Answer("19.90", std::string(kTime) + "," + kMember),
      Answer("19.90", std::string(kTime) + R"(,"x":1,"x":1)"),
      // More than one document.
      good + good,
      good + "x",
      good + ",",
      good + std::string(1, '\0'),
      "[" + good + "]",
      "\"" + good + "\"",
      "null",
      "19.90",
      "",
      // Times that are not valid, or that neither the books nor the table can hold.
      Answer("19.90", R"("requestedAt":1752582896120)"),
      Answer("19.90", R"("requestedAt":"now")"),
      Answer("19.90", R"("requestedAt":"2025-07-15T12:60:56")"),
      Answer("19.90", R"("requestedAt":"0001-01-01T00:00:00")"),
      Answer("19.90", R"("requestedAt":"1970-01-01T00:00:00Z")"),
      Answer("19.90", R"("requestedAt":"2061-01-01T00:00:00Z")"),
      Answer("19.90", R"("requestedAt":"9999-12-31T23:59:59Z")"),
      // Ids that are not valid.
      R"({"correlationId":"","amount":19.90,)" + std::string(kTime) + "}",
      R"({"correlationId":"\ud83d","amount":19.90,)" + std::string(kTime) + "}",
      R"({"correlationId":5,"amount":19.90,)" + std::string(kTime) + "}",
      // Members that are missing, or belong to another object.
      std::string("{") + kMember + "," + kTime + "}",
      std::string("{\"amount\":19.90,") + kTime + "}",
      std::string("{") + kMember + ",\"amount\":19.90}",
      std::string(R"({"payment":)") + good + "}",
      // Invalid JSON in a member that is not used.
      Answer("19.90", std::string(kTime) + R"(,"x":01)"),
      Answer("19.90", std::string(kTime) + R"(,"x":"\q")"),
      Answer("19.90", std::string(kTime) + ",\"x\":\"\xff\""),
      Answer("19.90",
             std::string(kTime) + ",\"x\":" + std::string(500, '[') + std::string(500, ']')),
  };
  for (const std::string& body : unclear) EXPECT_FALSE(ParseProcessorPayment(body)) << body;
}

TEST(ProcessorPayment, TimesUpToTheLastThatTheTableHasRoomForAreTaken) {
  const auto at = [](const std::string& time) {
    const auto parsed = ParseProcessorPayment(Answer("1", R"("requestedAt":")" + time + "\""));
    return parsed ? parsed->requested_at_ms : -1;
  };
  EXPECT_EQ(at("1970-01-01T00:00:00.001"), 1);
  EXPECT_EQ(at("2059-11-04T19:53:47.775Z"), kRequestedAtMsMax);
  EXPECT_EQ(at("2059-11-04T19:53:47.776Z"), -1);
}

TEST(ServiceHealth, IsOneWholeObjectWithNothingRepeated) {
  const auto health = ParseServiceHealth(
      R"({"was":{"failing":false},"failing":true,"minResponseTime":100,"note":"\ud83d"})");
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->failing);
  EXPECT_EQ(health->min_response_ms, 100);
  for (const char* bad :
       {R"({"failing":true,"failing":false,"minResponseTime":1})",
        R"({"failing":true,"minResponseTime":1,"minResponseTime":1})",
        R"({"failing":true,"minResponseTime":1}{})", R"([{"failing":true,"minResponseTime":1}])",
        R"({"failing":"true","minResponseTime":1})", R"({"failing":true,"minResponseTime":1.5})",
        R"({"failing":true,"minResponseTime":1e400})", R"({"failing":null,"minResponseTime":1})",
        R"({"failing":true,"minResponseTime":99999999999999999999})",
        R"({"failing":true,"minResponseTime":01})", R"({"failing":truee,"minResponseTime":1})"}) {
    EXPECT_FALSE(ParseServiceHealth(bad)) << bad;
  }
}

TEST(ProcessorSummary, IsReadFromItsOwnMembersAndNotFromTextThatLooksLikeThem) {
  const auto summary = ParseProcessorSummary(
      R"({"note":"totalAmount","x":{"totalAmount":1},"totalRequests":2,"totalAmount":39.80})");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->count, 2);
  EXPECT_EQ(summary->amount_cents, 3980);
  for (const char* bad :
       {R"({"totalRequests":2,"totalAmount":39.80,"totalAmount":39.80})",
        R"({"totalRequests":2,"totalRequests":2,"totalAmount":39.80})",
        R"({"totalRequests":2,"totalAmount":39.80} )"
        "x",
        R"({"totalRequests":2.5,"totalAmount":1})", R"({"totalRequests":1e1,"totalAmount":1})",
        R"({"totalRequests":2,"totalAmount":0.001})",
        R"({"totalRequests":99999999999999999999,"totalAmount":1})"}) {
    EXPECT_FALSE(ParseProcessorSummary(bad)) << bad;
  }
}

}  // namespace
}  // namespace tollgate::payments

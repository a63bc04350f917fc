#include "tollgate/upstream/processor_protocol.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tollgate::upstream {
namespace {

TEST(ProcessorProtocol, TargetsHaveTheProcessorsLimitsAndHeaders) {
  const ProcessorOptions processor{.name = "default",
                                   .url = "https://h:1/",
                                   .connect_timeout_ms = 7,
                                   .answer_timeout_ms = 8,
                                   .headers = {"A: b"},
                                   .ca_file = "/ca"};
  const GetTarget health = MakeHealthTarget(processor);
  EXPECT_EQ(health.url, "https://h:1/payments/service-health");
  EXPECT_EQ(health.connect_timeout_ms, 7);
  EXPECT_EQ(health.answer_timeout_ms, 8);
  EXPECT_EQ(health.headers, std::vector<std::string>{"A: b"});
  EXPECT_EQ(health.ca_file, "/ca");

  const GetTarget summary =
      MakeAdminSummaryTarget(processor, {.from_ms = -5, .to_ms = 1'752'582'896'123}, "123");
  EXPECT_EQ(summary.url,
            "https://h:1/admin/payments-summary?from=1970-01-01T00:00:00.000Z"
            "&to=2025-07-15T12:34:56.123Z");
  EXPECT_EQ(summary.headers, (std::vector<std::string>{"A: b", "X-Rinha-Token: 123"}));
  EXPECT_EQ(summary.ca_file, "/ca");
}

TEST(ProcessorProtocol, HealthIsTakenFromAWhole200Alone) {
  constexpr const char* kBody = R"({"failing":true,"minResponseTime":5})";
  const auto health = ReadHealth({.status = 200, .complete = true, .body = kBody});
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->failing);
  EXPECT_FALSE(ReadHealth({.status = 200, .complete = false, .body = kBody}));
  EXPECT_FALSE(ReadHealth({.status = 429, .complete = true, .body = kBody}));
  EXPECT_FALSE(ReadHealth({.status = 200, .complete = true, .body = "{}"}));
}

TEST(ProcessorProtocol, AnAdminSummaryIsReadRefusedOrAskedForAgain) {
  constexpr const char* kBody = R"({"totalRequests":2,"totalAmount":39.8})";
  const auto read = [](int status, bool complete, const char* body) {
    return ReadAdminSummary({.status = status, .complete = complete, .body = body});
  };
  const AdminSummaryAnswer good = read(200, true, kBody);
  EXPECT_EQ(good.verdict, AdminSummaryVerdict::kSummary);
  ASSERT_TRUE(good.summary);
  EXPECT_EQ(good.summary->amount_cents, 3980);
  EXPECT_EQ(read(200, true, "{}").verdict, AdminSummaryVerdict::kNotUnderstood);
  EXPECT_EQ(read(401, true, kBody).verdict, AdminSummaryVerdict::kTokenRefused);
  EXPECT_EQ(read(403, true, kBody).verdict, AdminSummaryVerdict::kTokenRefused);
  EXPECT_EQ(read(403, false, kBody).verdict, AdminSummaryVerdict::kFailed);
  EXPECT_EQ(read(200, false, kBody).verdict, AdminSummaryVerdict::kFailed);
  EXPECT_EQ(read(500, true, kBody).verdict, AdminSummaryVerdict::kFailed);
}

}  // namespace
}  // namespace tollgate::upstream

// `tollgate reconcile` as an operator runs it, with real Redis, processors and gateways: what it
// finds, what it repairs, and that the books then equal the processors to the cent.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/integration/recording_server.h"
#include "tests/support/audit.h"
#include "tests/support/load.h"
#include "tests/support/stack.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::testing {
namespace {

struct Ran {
  int status = -1;
  std::string text;  // stdout and stderr
  std::string json;
};

class ReconcileTest : public ::testing::Test {
 protected:
  ReconcileTest()
      : stack_({.gateway_arguments = {}, .redis_arguments = {}, .gateways = 1, .haproxy = false}) {}

  void SetUp() override { ASSERT_NO_FATAL_FAILURE(stack_.Start()); }

  Ran Reconcile(std::vector<std::string> more, bool tokens = true,
                const std::string& default_url = "") {
    const std::string name = stack_.folder() + "/reconcile-" + std::to_string(++runs_);
    std::vector<std::string> argv{
        TOLLGATE_BINARY,
        "reconcile",
        "--redis-socket",
        stack_.RedisSocket(),
        "--json-file",
        name + ".json",
        "--default-url",
        default_url.empty() ? "http://" + stack_.ProcessorAddress(0) : default_url,
        "--fallback-url",
        "http://" + stack_.ProcessorAddress(1)};
    argv.insert(argv.end(), more.begin(), more.end());
    std::map<std::string, std::string> environment;
    if (tokens) environment = {{"ADMIN_TOKEN_DEFAULT", "123"}, {"ADMIN_TOKEN_FALLBACK", "123"}};
    ChildProcess process(argv, name + ".log", environment);
    Ran ran;
    ran.status = process.WaitExit(90'000);
    ran.text = process.Log();
    std::stringstream json;
    json << std::ifstream(name + ".json").rdbuf();
    ran.json = json.str();
    return ran;
  }

  // Payments that the processor books, and whose gateway and its table are lost before they are
  // recorded: only Redis has their claims.
  std::vector<std::string> LoseRecords(uint64_t seed, size_t count) {
    // Booked at once, answered much later.
    stack_.Configure(0, "/admin/configurations/faults",
                     R"({"kind":"slow_bytes","hang_ms":600000})");
    HttpClient client(stack_.GatewaySocket(0));
    std::vector<std::string> ids;
    for (size_t i = 0; i < count; ++i) {
      ids.push_back(TestId(seed, i));
      EXPECT_EQ(client.Post("/payments", PaymentBody(ids.back(), Amount(i))).status, 202);
    }
    EXPECT_TRUE(Eventually([&] { return stack_.Held(0).size() == count; })) << Metrics();
    stack_.gateway(0).Kill();
    std::filesystem::remove_all(stack_.DataFolder(0));
    std::filesystem::create_directory(stack_.DataFolder(0));
    stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"none"})");
    stack_.StartGateway(0);
    EXPECT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
    EXPECT_TRUE(Eventually([&] { return !Summary().empty(); }));
    return ids;
  }
  static std::string Amount(size_t i) {
    return "1" + std::to_string(i % 10) + ".0" + std::to_string(i % 9 + 1);
  }

  std::string Metrics() { return HttpClient(stack_.AdminSocket(0)).Get("/metrics").body; }
  // The sum over all label sets.
  size_t Metric(const std::string& name) {
    std::istringstream lines(Metrics());
    double sum = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + "{") || line.starts_with(name + " ")) {
        sum += std::stod(line.substr(line.rfind(' ')));
      }
    }
    return static_cast<size_t>(sum);
  }
  void PayAndSettle(uint64_t seed, size_t count) {
    HttpClient client(stack_.GatewaySocket(0));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(client.Post("/payments", PaymentBody(TestId(seed, i), Amount(i))).status, 202);
    }
    ASSERT_TRUE(Eventually([&] {
      return Summary()["default"].count + Summary()["fallback"].count ==
             static_cast<int64_t>(count);
    })) << stack_.Logs();
  }
  void PostTo(size_t processor, const std::string& id, const std::string& amount,
              const std::string& requested_at) {
    const std::string body = R"({"correlationId":")" + id + R"(","amount":)" + amount +
                             R"(,"requestedAt":")" + requested_at + "\"}";
    ASSERT_EQ(HttpClient(stack_.ProcessorAddress(processor)).Post("/payments", body).status, 200);
  }
  std::map<std::string, Stack::Totals> Summary() { return Stack::Summary(stack_.GatewaySocket(0)); }
  static size_t CountOf(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++count;
    }
    return count;
  }
  static size_t CountKind(const Ran& ran, const std::string& kind) {
    return CountOf(ran.json, R"("kind":")" + kind + "\"");
  }

  Stack stack_;
  int runs_ = 0;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

const std::vector<std::string> kNow{"--min-age", "0"};
const std::vector<std::string> kRepairNow{"--min-age", "0", "--repair"};

TEST_F(ReconcileTest, ARecordThatWasLostIsFoundAndRepairedToTheCent) {
  const auto ids = LoseRecords(1, 20);
  EXPECT_EQ(Summary()["default"].count, 0);

  const Ran found = Reconcile(kNow);
  EXPECT_EQ(found.status, 2) << found.text;
  EXPECT_EQ(CountKind(found, "books_lack"), ids.size()) << found.json;
  EXPECT_EQ(CountOf(found.json, R"("explained":true)"), 2U) << found.json;
  for (const std::string& id : ids) EXPECT_SAYS(found.text, id);
  EXPECT_EQ(Summary()["default"].count, 0) << "repaired without --repair";

  const Ran repaired = Reconcile(kRepairNow);
  EXPECT_EQ(repaired.status, 0) << repaired.text;
  EXPECT_EQ(CountOf(repaired.json, R"("repaired":true)"), ids.size()) << repaired.json;
  EXPECT_EQ(Summary(), stack_.HeldTotals());
  EXPECT_EQ(Summary()["default"].count, static_cast<int64_t>(ids.size()));

  const Ran again = Reconcile(kRepairNow);
  EXPECT_EQ(again.status, 0) << again.text;
  EXPECT_SAYS(again.text, "No payment differs");
  EXPECT_EQ(Summary(), stack_.HeldTotals());
}

TEST_F(ReconcileTest, WhatIsYoungerThanAMinuteIsLeftAlone) {
  LoseRecords(2, 3);
  const Ran ran = Reconcile({"--repair"}, false);
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_SAYS(ran.json, R"("compared":0,)");
  EXPECT_SAYS(ran.json, R"("outOfRange":3,)");
  EXPECT_EQ(Summary()["default"].count, 0);
}

TEST_F(ReconcileTest, NothingIsEverPostedNotEvenForWhatIsPendingAndHeldNowhere) {
  // Claims without a booking: their gateway is killed while both processors fail.
  for (size_t i = 0; i < 2; ++i) {
    stack_.Configure(i, "/admin/configurations/faults", R"({"kind":"reset_before"})");
  }
  HttpClient client(stack_.GatewaySocket(0));
  for (uint64_t i = 0; i < 10; ++i) client.Post("/payments", PaymentBody(TestId(3, i), "5"));
  ASSERT_TRUE(Eventually([&] { return Metric("tollgate_unresolved") == 10; })) << Metrics();
  stack_.gateway(0).Kill();
  for (size_t i = 0; i < 2; ++i) {
    stack_.Configure(i, "/admin/configurations/faults", R"({"kind":"none"})");
  }
  RecordingServer server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  const Ran ran = Reconcile(kRepairNow, false, "http://" + server.address());
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_SAYS(ran.json, R"("pending":10,)");
  EXPECT_TRUE(stack_.Held(1).empty());
  const auto requests = server.Requests();
  EXPECT_GE(requests.size(), 10U);
  for (const std::string& line : requests) {
    EXPECT_TRUE(line.starts_with("GET /payments/")) << line;
  }
  EXPECT_EQ(Reconcile(kRepairNow).status, 0);
  EXPECT_TRUE(stack_.Held(0).empty() && stack_.Held(1).empty()) << "a payment was charged";
}

TEST_F(ReconcileTest, EveryOtherDifferenceIsReportedAndNeverRepaired) {
  PayAndSettle(4, 6);
  const auto held = stack_.Held(0);
  ASSERT_EQ(held.size(), 6U);
  const auto id = [](uint64_t i) { return TestId(4, i); };
  const auto before = Summary();
  HttpClient(stack_.ProcessorAddress(0))
      .Post("/admin/purge-payments", "", "X-Rinha-Token: 123\r\n");
  const auto time = [&](uint64_t i, int64_t more_ms) {
    return payments::TimestampToString(held.at(id(i)).requested_at_ms + more_ms);
  };
  PostTo(0, id(0), Amount(0), time(0, 0));                                           // unchanged
  PostTo(0, id(1), Amount(1), time(1, 0)), PostTo(1, id(1), Amount(1), time(1, 9));  // twice
  PostTo(0, id(2), "999.99", time(2, 0));                                            // amount
  PostTo(0, id(3), Amount(3), time(3, 1));  // one millisecond later
  PostTo(1, id(4), Amount(4), time(4, 0));  // at the other processor
  // No processor has id(5).
  for (const auto& options : {kNow, kRepairNow}) {
    const Ran ran = Reconcile(options);
    EXPECT_EQ(ran.status, 2) << ran.text;
    for (const char* kind :
         {"held_twice", "amount_differs", "time_differs", "held_elsewhere", "processor_lacks"}) {
      EXPECT_EQ(CountKind(ran, kind), 1U) << kind << ran.json;
    }
    EXPECT_EQ(CountOf(ran.json, R"("kind":)"), 5U) << ran.json;
    EXPECT_EQ(CountOf(ran.json, R"("explained":true)"), 2U) << ran.json;
    EXPECT_EQ(ran.text.find(id(0)), std::string::npos) << ran.text;
  }
  EXPECT_EQ(Summary(), before);
}

TEST_F(ReconcileTest, BooksThatForgotAllAreFilledFromAListOfIds) {
  PayAndSettle(5, 8);
  stack_.gateway(0).Kill();
  std::filesystem::remove_all(stack_.DataFolder(0));
  std::filesystem::create_directory(stack_.DataFolder(0));
  ChildProcess flush({"redis-cli", "-s", stack_.RedisSocket(), "flushall"},
                     stack_.folder() + "/cli.log");
  ASSERT_EQ(flush.WaitExit(10'000), 0);

  // Set as by a table that knows of the loss: reconcile repairs it.
  stack_.RedisCli({"set", "tollgate:lossy", "1752583000"});

  const Ran blind = Reconcile(kNow);
  EXPECT_EQ(blind.status, 2) << blind.text;
  EXPECT_SAYS(blind.json, R"("explained":false)");

  const std::string list = stack_.folder() + "/ids";
  std::ofstream ids(list);
  ids << "# posted on that day\n";
  for (uint64_t i = 0; i < 9; ++i) ids << TestId(5, i) << "\n";  // no processor has the ninth
  ids.close();
  const Ran repaired = Reconcile({"--min-age", "0", "--repair", "--ids", list});
  EXPECT_EQ(repaired.status, 0) << repaired.text;
  EXPECT_EQ(CountOf(repaired.json, R"("repaired":true)"), 8U) << repaired.json;
  stack_.RedisCli({"del", "tollgate:lossy"});
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0));
  EXPECT_TRUE(Eventually([&] { return Summary() == stack_.HeldTotals(); })) << stack_.Logs();
}

TEST_F(ReconcileTest, BesideAGatewayAtWorkNothingIsCountedTwice) {
  // Booked, and the answer is lost: claims that are pending while the processor holds the payment.
  stack_.Configure(0, "/admin/configurations/faults",
                   R"({"kind":"drop_answer","probability":0.3})");
  Load load({.addresses = {stack_.GatewaySocket(0)}, .seed = 6, .threads = 2, .pause_us = 2'000});
  load.Start();
  for (int i = 0; i < 4; ++i) {
    const Ran ran = Reconcile(kRepairNow, false);
    EXPECT_EQ(ran.status, 0) << ran.text;
  }
  load.Stop();
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"none"})");
  const AuditResult result = Audit(stack_, load, stack_.GatewaySocket(0));
  EXPECT_TRUE(result.clean()) << result.text() << stack_.Logs();
  EXPECT_GT(result.accepted, 100U);
  EXPECT_TRUE(Eventually([&] { return Metric("tollgate_unresolved") == 0; })) << Metrics();
  const Ran last = Reconcile(kNow);
  EXPECT_EQ(last.status, 0) << last.text;
  EXPECT_EQ(CountOf(last.json, R"("explained":true)"), 2U) << last.json;
}

// Its POST stays in flight: the processor has booked it and answers late.
TEST_F(ReconcileTest, AGatewayThatHearsOfItsBookingAfterTheRepairCountsItOnce) {
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"slow_bytes","hang_ms":10000})");
  HttpClient client(stack_.GatewaySocket(0));
  for (uint64_t i = 0; i < 10; ++i) client.Post("/payments", PaymentBody(TestId(8, i), "5"));
  ASSERT_TRUE(Eventually([&] { return stack_.Held(0).size() == 10; })) << Metrics();
  const Ran ran = Reconcile(kRepairNow);
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_EQ(CountOf(ran.json, R"("repaired":true)"), 10U) << ran.json;
  const auto repaired = Summary();
  EXPECT_EQ(repaired, stack_.HeldTotals());
  EXPECT_EQ(Metric("tollgate_held"), 10U) << "the answers came before the repair";
  ASSERT_TRUE(Eventually([&] { return Metric("tollgate_booked_total") == 10; })) << Metrics();
  EXPECT_TRUE(Eventually([&] { return Metric("tollgate_held") == 0; })) << Metrics();
  EXPECT_EQ(Summary(), repaired);
  EXPECT_EQ(Metric("tollgate_contradictions_total"), 0U);
}

TEST_F(ReconcileTest, ATableThatComesBackAfterTheRepairCountsNothingTwice) {
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"slow_bytes","hang_ms":600000})");
  HttpClient client(stack_.GatewaySocket(0));
  for (uint64_t i = 0; i < 10; ++i) client.Post("/payments", PaymentBody(TestId(9, i), "5"));
  ASSERT_TRUE(Eventually([&] { return stack_.Held(0).size() == 10; })) << Metrics();
  stack_.gateway(0).Kill();
  stack_.Configure(0, "/admin/configurations/faults", R"({"kind":"none"})");
  EXPECT_EQ(Reconcile(kRepairNow).status, 0);
  stack_.StartGateway(0);
  ASSERT_TRUE(stack_.WaitReady(0)) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] { return Summary() == stack_.HeldTotals(); })) << stack_.Logs();
  EXPECT_TRUE(Eventually([&] {
    ChildProcess pending({TOLLGATE_BINARY, "pending", "--data-dir", stack_.DataFolder(0)},
                         stack_.folder() + "/pending.log");
    EXPECT_EQ(pending.WaitExit(10'000), 0);
    const std::string text = pending.Log();
    std::filesystem::remove(stack_.folder() + "/pending.log");
    return text.find(": 0 pending") != std::string::npos;
  })) << stack_.Logs();
  EXPECT_EQ(Summary(), stack_.HeldTotals());
  EXPECT_EQ(Metric("tollgate_contradictions_total"), 0U);
}

TEST_F(ReconcileTest, WhatWasClaimedBeforeAPurgeIsSettledAndNotCounted) {
  LoseRecords(10, 5);
  ASSERT_EQ(HttpClient(stack_.GatewaySocket(0)).Post("/purge-payments", "").status, 200);
  // By default it begins at the purge.
  const Ran usual = Reconcile(kRepairNow, false);
  EXPECT_EQ(usual.status, 0) << usual.text;
  EXPECT_SAYS(usual.json, R"("outOfRange":5,)");
  const std::vector<std::string> before{"--min-age", "0", "--repair", "--from",
                                        "2025-01-01T00:00:00Z"};
  const Ran ran = Reconcile(before, false);
  EXPECT_EQ(ran.status, 0) << ran.text;
  EXPECT_EQ(CountOf(ran.json, R"("repaired":true)"), 5U) << ran.json;
  EXPECT_EQ(Summary()["default"].count, 0);
  const Ran again = Reconcile(before, false);
  EXPECT_SAYS(again.json, R"("booked":5,)");
  EXPECT_SAYS(again.json, R"("notCounted":5,)");
}

TEST_F(ReconcileTest, AProcessorOverCapacityIsAskedAgainAndOneThatStaysSoIsAway) {
  PayAndSettle(7, 200);
  stack_.Configure(0, "/admin/configurations/faults", R"({"capacity":1,"queue":0})");
  const Ran slow = Reconcile(kNow);
  EXPECT_EQ(slow.status, 0) << slow.text;
  EXPECT_SAYS(slow.json, R"("name":"default","asked":200,"holds":200,)");

  stack_.Configure(0, "/admin/configurations/faults", R"({"capacity":0,"queue":0})");
  const Ran away = Reconcile({"--min-age", "0", "--patience", "1s"});
  EXPECT_EQ(away.status, 1) << away.text;
  EXPECT_SAYS(away.text, "was away (status 429)");
  EXPECT_SAYS(away.json, R"("away":true)");
  EXPECT_SAYS(away.json, R"("complete":false)");

  stack_.processor(0).Kill();
  const Ran gone = Reconcile({"--min-age", "0", "--patience", "1s", "--repair"}, false);
  EXPECT_EQ(gone.status, 1) << gone.text;
  EXPECT_SAYS(gone.text, "check that it runs and that its URL is right");
  EXPECT_EQ(CountKind(gone, "not_answered"), 200U);
  EXPECT_EQ(CountKind(gone, "processor_lacks"), 0U) << "silence is no proof";
}

TEST_F(ReconcileTest, SumsThatDisagreeWithTheirPaymentsAreToldOfAndMended) {
  PayAndSettle(11, 150);
  const auto right = Summary();
  const Ran fine = Reconcile(kRepairNow);
  EXPECT_EQ(fine.status, 0) << fine.text;
  EXPECT_SAYS(fine.text, "No sum differs");
  EXPECT_SAYS(fine.json, R"("sums":{"compared":true,"from":)");
  // The sum of all time is lost, and with it the summary of all time.
  ASSERT_EQ(stack_.RedisCli({"del", "tollgate:s:0:5"}), "1\n");
  EXPECT_NE(Summary(), right);
  const Ran found = Reconcile(kNow, false);
  EXPECT_EQ(found.status, 2) << found.text;
  EXPECT_SAYS(found.json,
              R"("level":5,"summed":{"totalRequests":0,"totalAmount":0.00},"counted":)");
  EXPECT_SAYS(found.json, R"("mended":false)");
  EXPECT_SAYS(found.text, "--repair mends them");
  EXPECT_NE(Summary(), right) << "mended without --repair";
  const Ran mended = Reconcile(kRepairNow);
  EXPECT_EQ(mended.status, 0) << mended.text;
  EXPECT_SAYS(mended.json, R"("mended":true)");
  EXPECT_EQ(CountOf(mended.json, R"("explained":true)"), 2U) << mended.json;
  EXPECT_EQ(Summary(), right);
  EXPECT_EQ(Reconcile(kNow).status, 0);
}

TEST_F(ReconcileTest, EveryErrorSaysWhatToDo) {
  stack_.Configure(1, "/admin/configurations/token", R"({"token":"other"})");
  const Ran token = Reconcile(kNow);
  EXPECT_EQ(token.status, 1) << token.text;
  EXPECT_SAYS(token.text, "fallback refuses the admin token (401): set ADMIN_TOKEN_FALLBACK");
  const std::string tokens = stack_.folder() + "/tokens";
  std::ofstream(tokens) << "default = 123\nfallback = other\n";
  EXPECT_EQ(Reconcile({"--tokens", tokens}, false).status, 0);
  stack_.redis().Kill();
  const Ran redis = Reconcile(kNow, false);
  EXPECT_EQ(redis.status, 1) << redis.text;
  EXPECT_SAYS(redis.text, "Check that it runs and that REDIS_SOCKET or REDIS_URL names it");
}

}  // namespace
}  // namespace tollgate::testing

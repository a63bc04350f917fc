// The report as JSON, byte by byte: programs read it, and people compare two of them line by line.
#include <gtest/gtest.h>

#include "reconcile/report.h"

namespace tollgate::reconcile {
namespace {

constexpr int64_t kBeginMs = 1'752'583'000'000;

class ReportJsonTest : public ::testing::Test {
 protected:
  ReportJsonTest() {
    report_.range = {.from_ms = kBeginMs, .to_ms = kBeginMs + 600'000};
    report_.known_from_ms = kBeginMs - 1;
    report_.sums.range = report_.range;
  }
  std::string Json() const { return ToJson(report_, names_); }

  void AddProcessors() {
    ProcessorReport with;
    with.name = "default";
    with.stats = {.asked = 10, .held = 6, .lacks = 3, .not_answered = 1, .away = true};
    with.has_token = true;
    with.books = Gap{10, 1'000};
    with.processor = Gap{12, 1'300};
    with.found = {2, 299};
    ProcessorReport without;
    without.name = "fall\"back";
    report_.processors = {with, without};
  }
  void AddFindings() {
    const Answer held{
        .kind = Answer::Kind::kHeld, .amount_cents = 1'990, .requested_at_ms = kBeginMs + 1};
    const Subject twice{.id = {1, 2},
                        .books = ledger::BookEntry{.state = ledger::EntryState::kBooked,
                                                   .amount_cents = 1'990,
                                                   .processor = 0,
                                                   .requested_at_ms = kBeginMs + 1},
                        .answers = {held, held}};
    const Subject lost{
        .id = {1, 3}, .books = std::nullopt, .answers = {{.kind = Answer::Kind::kLacks}, held}};
    report_.findings = {{.subject = twice,
                         .differences = {{.kind = DifferenceKind::kHeldTwice, .processor = 1},
                                         {.kind = DifferenceKind::kTimeDiffers, .processor = 0}},
                         .repair = Repair::kNone},
                        {.subject = lost, .differences = {}, .repair = Repair::kNone},
                        {.subject = lost,
                         .differences = {{.kind = DifferenceKind::kBooksLack, .repairable = true}},
                         .repair = Repair::kDone}};
  }
  void AddSums() {
    report_.sums.compared = true;
    report_.sums.unsettled = 1;
    const SumDifference low{.processor = 1,
                            .level = 0,
                            .node = 0,
                            .from_ms = kBeginMs,
                            .to_ms = kBeginMs + 1,
                            .summed = {3, 300},
                            .counted = {5, -310}};
    SumDifference high = low;
    high.level = 4;
    high.mended = true;
    report_.sums.differences = {low, high};
  }

  ReconcileReport report_;
  const payments::ProcessorDirectory names_{{"default", "fallback"}};
};

TEST_F(ReportJsonTest, AnEmptyReportHasAllItsMembers) {
  EXPECT_EQ(Json(),
            R"({"from":"2025-07-15T12:36:40.000Z","to":"2025-07-15T12:46:40.000Z",)"
            R"("idsKnownFrom":"2025-07-15T12:36:39.999Z","repair":false,)"
            "\n"
            R"("compared":0,"booked":0,"pending":0,"rejected":0,"unknown":0,"notCounted":0,)"
            R"("outOfRange":0,"tooOld":0,"damaged":0,)"
            "\n"
            R"("processors":[],)"
            "\n"
            R"("silentGateways":[],)"
            "\n"
            R"("differences":[],)"
            "\n"
            R"("sums":{"compared":false},)"
            "\n"
            R"("differencesLeft":0,"complete":true,"errors":[]})"
            "\n");
}

TEST_F(ReportJsonTest, CountsAndErrors) {
  report_.repair = true;
  report_.counts = {.compared = 1,
                    .booked = 2,
                    .pending = 3,
                    .rejected = 4,
                    .unknown = 5,
                    .not_counted = 6,
                    .out_of_range = 7,
                    .too_old = 8,
                    .damaged = 9};
  report_.errors = {"default was \"away\"", "a\xff\x7f\n"};
  const std::string json = Json();
  EXPECT_NE(json.find("\"repair\":true,\n"
                      R"("compared":1,"booked":2,"pending":3,"rejected":4,"unknown":5,)"
                      R"("notCounted":6,"outOfRange":7,"tooOld":8,"damaged":9,)"
                      "\n"),
            std::string::npos)
      << json;
  EXPECT_TRUE(
      json.ends_with("\"complete\":false,\"errors\":[\"default was \\\"away\\\"\",\n"
                     "\"a\\ufffd\x7f\\u000a\"]}\n"))
      << json;
}

TEST_F(ReportJsonTest, ProcessorsAndSilentGatewaysHaveALineEach) {
  AddProcessors();
  report_.silent = {{.table = {1, 2}, .claims = 12, .silent_s = 300},
                    {.table = {3, 4}, .claims = 1, .silent_s = -1, .gone = true}};
  const std::string json = Json();
  EXPECT_NE(json.find(R"("processors":[{"name":"default","asked":10,"holds":6,"lacks":3,)"
                      R"("notAnswered":1,"away":true,)"
                      R"("books":{"totalRequests":10,"totalAmount":10.00},)"
                      R"("processor":{"totalRequests":12,"totalAmount":13.00},)"
                      R"("found":{"totalRequests":2,"totalAmount":2.99},)"
                      R"("unexplained":{"totalRequests":0,"totalAmount":0.01},)"
                      R"("explained":false},)"
                      "\n"
                      R"({"name":"fall\"back","asked":0,"holds":0,"lacks":0,)"
                      R"("notAnswered":0,"away":false}],)"
                      "\n"
                      R"("silentGateways":[{"table":"00000000-0000-0001-0000-000000000002",)"
                      R"("pending":12,"silentSeconds":300,"gone":false},)"
                      "\n"
                      R"({"table":"00000000-0000-0003-0000-000000000004",)"
                      R"("pending":1,"silentSeconds":null,"gone":true}],)"
                      "\n"),
            std::string::npos)
      << json;
}

TEST_F(ReportJsonTest, EachDifferenceHasALineWithBothSides) {
  AddFindings();
  const std::string twice = R"("correlationId":"00000000-0000-0001-0000-000000000002",)"
                            R"("processor":")";
  const std::string sides =
      R"(","books":{"state":"booked","processor":"default","amount":19.90,)"
      R"("requestedAt":"2025-07-15T12:36:40.001Z"},)"
      R"("held":[{"processor":"default","amount":19.90,)"
      R"("requestedAt":"2025-07-15T12:36:40.001Z"},)"
      R"({"processor":"fallback","amount":19.90,"requestedAt":"2025-07-15T12:36:40.001Z"}],)"
      R"("repairable":false,"repaired":false})";
  const std::string json = Json();
  EXPECT_NE(json.find(R"("differences":[{"kind":"held_twice",)" + twice + "fallback" + sides +
                      ",\n"
                      R"({"kind":"time_differs",)" +
                      twice + "default" + sides +
                      ",\n"
                      R"({"kind":"books_lack",)"
                      R"("correlationId":"00000000-0000-0001-0000-000000000003",)"
                      R"("processor":null,"books":null,)"
                      R"("held":[{"processor":"fallback","amount":19.90,)"
                      R"("requestedAt":"2025-07-15T12:36:40.001Z"}],)"
                      R"("repairable":true,"repaired":true}],)"
                      "\n"),
            std::string::npos)
      << json;
}

TEST_F(ReportJsonTest, EachSumThatDiffersHasALine) {
  AddSums();
  const std::string json = Json();
  EXPECT_NE(json.find(R"("sums":{"compared":true,"from":"2025-07-15T12:36:40.000Z",)"
                      R"("to":"2025-07-15T12:46:40.000Z","unsettled":1,)"
                      R"("differences":[{"processor":"fallback",)"
                      R"("from":"2025-07-15T12:36:40.000Z","to":"2025-07-15T12:36:40.001Z",)"
                      R"("level":0,"summed":{"totalRequests":3,"totalAmount":3.00},)"
                      R"("counted":{"totalRequests":5,"totalAmount":-3.10},"mended":false},)"
                      "\n"
                      R"({"processor":"fallback",)"
                      R"("from":"2025-07-15T12:36:40.000Z","to":"2025-07-15T12:36:40.001Z",)"
                      R"("level":4,"summed":{"totalRequests":3,"totalAmount":3.00},)"
                      R"("counted":{"totalRequests":5,"totalAmount":-3.10},"mended":true}]},)"
                      "\n"),
            std::string::npos)
      << json;
}

}  // namespace
}  // namespace tollgate::reconcile

#include "reconcile/report.h"

#include <gtest/gtest.h>

#include "reconcile/text_table.h"

namespace tollgate::reconcile {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class ReconcileReportTest : public ::testing::Test {
 protected:
  ReconcileReportTest() {
    report_.range = {.from_ms = 1'752'583'000'000, .to_ms = 1'752'583'600'000};
    for (const char* name : {"default", "fallback"}) {
      ProcessorReport processor;
      processor.name = name;
      report_.processors.push_back(processor);
    }
  }
  void AddLacking(Repair repair) {
    report_.findings.push_back(
        {.subject = {{1, 2},
                     ledger::BookEntry{.state = ledger::EntryState::kPending,
                                       .amount_cents = 1990,
                                       .processor = 0,
                                       .requested_at_ms = 1'752'583'000'001},
                     {{.kind = Answer::Kind::kHeld,
                       .amount_cents = 1990,
                       .requested_at_ms = 1'752'583'000'001},
                      {.kind = Answer::Kind::kLacks}}},
         .differences = {{.kind = DifferenceKind::kBooksLack, .processor = 0, .repairable = true}},
         .repair = repair});
  }

  ReconcileReport report_;
  const payments::ProcessorDirectory names_{{"default", "fallback"}};
};

TEST_F(ReconcileReportTest, TheExitCodeTellsCleanFromErrorFromDifference) {
  EXPECT_EQ(ExitCode(report_), 0);
  AddLacking(Repair::kDone);
  EXPECT_EQ(ExitCode(report_), 0) << "repaired";
  AddLacking(Repair::kFailed);
  EXPECT_EQ(ExitCode(report_), 2);
  report_.findings.back().repair = Repair::kDone;
  report_.findings.back().differences.push_back({.kind = DifferenceKind::kHeldTwice});
  EXPECT_EQ(ExitCode(report_), 2) << "repaired, and still a double charge";
  report_.errors.push_back("default was away");
  EXPECT_EQ(ExitCode(report_), 1);
}

TEST_F(ReconcileReportTest, ADifferenceOfTheSummariesThatIsNotExplainedIsADifference) {
  ProcessorReport& it = report_.processors[0];
  it.has_token = true;
  it.books = Gap{10, 1000};
  it.processor = Gap{12, 1300};
  it.found = {2, 300};
  EXPECT_EQ(Unexplained(it), (Gap{0, 0}));
  EXPECT_EQ(ExitCode(report_), 0);
  it.found = {2, 299};
  EXPECT_EQ(Unexplained(it), (Gap{0, 1}));
  EXPECT_EQ(ExitCode(report_), 2);
  EXPECT_SAYS(ToTable(report_, names_), "0 / 0.01");
  EXPECT_SAYS(ToJson(report_, names_), R"("unexplained":{"totalRequests":0,"totalAmount":0.01})");
  EXPECT_SAYS(ToJson(report_, names_), R"("explained":false)");
}

TEST_F(ReconcileReportTest, TableAndJsonShowBothSides) {
  AddLacking(Repair::kNone);
  const std::string table = ToTable(report_, names_);
  EXPECT_SAYS(table, "00000000-0000-0001-0000-000000000002 | books_lack | default");
  EXPECT_SAYS(table, "--repair books it");
  EXPECT_SAYS(table, "books_lack: 1, 1 left");
  EXPECT_SAYS(ToJson(report_, names_),
              R"({"kind":"books_lack","correlationId":"00000000-0000-0001-0000-000000000002",)"
              R"("processor":"default","books":{"state":"pending","processor":"default",)"
              R"("amount":19.90,"requestedAt":"2025-07-15T12:36:40.001Z"},)"
              R"("held":[{"processor":"default","amount":19.90,)"
              R"("requestedAt":"2025-07-15T12:36:40.001Z"}],"repairable":true,"repaired":false})");
}

TEST_F(ReconcileReportTest, ALongListIsCutInTheTableAlone) {
  for (int i = 0; i < 10; ++i) AddLacking(Repair::kNone);
  EXPECT_SAYS(ToTable(report_, names_, 3), "and 7 more; --json");
  EXPECT_SAYS(ToTable(report_, names_, 3), "books_lack: 10, 10 left");
  EXPECT_SAYS(ToJson(report_, names_), R"("differencesLeft":10)");
}

TEST_F(ReconcileReportTest, ASumThatDiffersIsADifferenceUntilItIsMended) {
  EXPECT_SAYS(ToTable(report_, names_), "The sums were not compared");
  report_.sums.compared = true;
  report_.sums.all_known = false;
  report_.sums.range = report_.range;
  EXPECT_SAYS(ToTable(report_, names_), "Sums from 2025-07-15T12:36:40.000Z to ");
  EXPECT_SAYS(ToTable(report_, names_), "may be forgotten and is not compared.\nNo sum differs.");
  report_.sums.differences.push_back({.processor = 1,
                                      .level = 0,
                                      .node = 0,
                                      .from_ms = 1'752'583'000'000,
                                      .to_ms = 1'752'583'000'001,
                                      .summed = {3, 300},
                                      .counted = {5, 310}});
  EXPECT_EQ(ExitCode(report_), 2);
  EXPECT_SAYS(ToTable(report_, names_), "| 3 / 3.00 ");
  EXPECT_SAYS(ToTable(report_, names_), "| -2 / -0.10 |");
  EXPECT_SAYS(ToTable(report_, names_), "sums: 1, 1 left");
  EXPECT_SAYS(ToJson(report_, names_),
              R"({"processor":"fallback","from":"2025-07-15T12:36:40.000Z",)"
              R"("to":"2025-07-15T12:36:40.001Z","level":0,)"
              R"("summed":{"totalRequests":3,"totalAmount":3.00},)"
              R"("counted":{"totalRequests":5,"totalAmount":3.10},"mended":false})");
  report_.sums.differences[0].mended = true;
  EXPECT_EQ(ExitCode(report_), 0);
}

TEST_F(ReconcileReportTest, ErrorsAreEscapedInJson) {
  report_.errors.push_back("a \"b\"\n\\");
  EXPECT_SAYS(ToJson(report_, names_), R"("complete":false,"errors":["a \"b\"\u000a\\"])");
}

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCellAndNumbersStandAtTheRight) {
  TextTable table({"name", "count"});
  table.Add({"a longer one", "7"});
  EXPECT_EQ(table.Draw(),
            "+--------------+-------+\n"
            "| name         | count |\n"
            "+--------------+-------+\n"
            "| a longer one |     7 |\n"
            "+--------------+-------+\n");
}

}  // namespace
}  // namespace tollgate::reconcile

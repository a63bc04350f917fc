// What `tollgate export` writes, from books in each place: held against their summaries to the
// cent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "app/exporter.h"
#include "tests/ledger/place_fixture.h"
#include "tollgate/base/random.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::app {
namespace {

using ledger::ClaimRequest;
using ledger::RecordRequest;
using ledger::Where;

constexpr int64_t kBeginMs = 1'752'583'000'000;
constexpr int64_t kSpanMs = 3'600'000;
constexpr const char* kHeading =
    "requestedAt,correlationId,state,amount,processor,fee,counted,reason";

int64_t Between(base::Random& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random.Below(static_cast<uint64_t>(most - least) + 1));
}

class ExportTest : public ledger::PlaceTest {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    Connect();
    claims_ = place_->MakeClaimReader(loop_, directory_);
    claims_->Start();
    books_ = NewBooks();
    ASSERT_TRUE(Until([&] { return claims_->ready(); }));
  }

  static payments::Uuid Id(uint64_t number) { return {number * 0x9E3779B97F4A7C15U, number}; }
  ClaimRequest RandomRequest(uint64_t number) {
    return {.payment = {.id = Id(number), .amount_cents = Between(random_, 1, 1'000'000)},
            .slot = static_cast<uint32_t>(number),
            .generation = 1,
            .attempt = 1,
            .processor = static_cast<payments::ProcessorId>(random_.Below(2)),
            .requested_at_ms = kBeginMs + Between(random_, 0, kSpanMs)};
  }
  void RecordAll(const std::vector<RecordRequest>& requests) {
    for (size_t i = 0; i < requests.size(); i += payments::kLedgerBatchMax) {
      const size_t end = std::min(i + payments::kLedgerBatchMax, requests.size());
      const std::vector<RecordRequest> part(requests.data() + i, requests.data() + end);
      ASSERT_EQ(Record(owner_, part).size(), part.size());
    }
  }
  void BookRandomly(uint64_t first, uint64_t last) {
    std::vector<RecordRequest> records;
    for (uint64_t i = first; i <= last; ++i) {
      records.push_back({.claim = RandomRequest(i),
                         .booked = i % 11 != 0,
                         .reason = payments::RejectReason::kRefused,
                         .epoch_known = false});
    }
    RecordAll(records);
  }
  // Makes the shelf old; the record of that payment begins the next one.
  void NextShelf(uint64_t number) {
    hands_->MakeShelfOlder(100'000);
    RecordAll({{.claim = RandomRequest(number)}});
  }

  base::Status ExportTo(int fd, const config::ExportOptions& options, size_t in_memory_max) {
    ExportRows rows(folder_.path(), in_memory_max);
    ExportLines lines(fd, options.format, directory_, {50'000, 150'000});
    Exporter exporter({.loop = loop_, .claims = *claims_, .rows = rows, .lines = lines}, options,
                      20'000);
    const base::Status status = exporter.Run();
    counts_ = exporter.counts();
    return status;
  }
  std::vector<std::string> Export(const config::ExportOptions& options = {},
                                  size_t in_memory_max = 100) {
    const std::string path = folder_ / "export";
    const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    const base::Status status = ExportTo(fd.get(), options, in_memory_max);
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  payments::Summary SummaryOf(const payments::SummaryRange& range) {
    std::optional<std::optional<payments::Summary>> answer;
    books_->GetSummary(range, [&](auto summary) { answer = std::move(summary); });
    EXPECT_TRUE(Until([&] { return answer.has_value(); }));
    return answer.value_or(std::nullopt).value_or(payments::Summary{});
  }
  static std::vector<std::string> Fields(const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char letter : line) {
      if (letter == ',') {
        fields.emplace_back();
      } else {
        fields.back() += letter;
      }
    }
    return fields;
  }
  // The sums of the counted lines equal the summary of the range.
  void ExpectTheSummary(const std::vector<std::string>& lines,
                        const payments::SummaryRange& range) {
    std::map<std::string, ledger::SumFigures> sums;
    for (const std::string& line : lines) {
      const auto fields = Fields(line);
      ASSERT_EQ(fields.size(), 8U) << line;
      if (fields[6] != "true") continue;
      EXPECT_EQ(fields[2], "booked");
      ++sums[fields[4]].count;
      sums[fields[4]].cents += payments::ParseCents(fields[3]).cents;
    }
    for (const payments::ProcessorTotals& totals : SummaryOf(range)) {
      EXPECT_EQ(sums[totals.name].count, totals.count) << totals.name;
      EXPECT_EQ(sums[totals.name].cents, totals.amount_cents) << totals.name;
    }
  }

  base::Random random_{7};
  std::unique_ptr<ledger::ClaimReader> claims_;
  std::unique_ptr<ledger::Books> books_;
  ExportCounts counts_;
};

TEST_P(ExportTest, ItsSumsEqualTheSummariesToTheCent) {
  BookRandomly(1, 1'500);
  NextShelf(1'501);
  BookRandomly(1'502, 2'000);
  Claim(owner_, {RandomRequest(3'000)});
  for (int i = 0; i < 12; ++i) {
    config::ExportOptions options;
    if (i != 0) {
      options.range.from_ms = kBeginMs + Between(random_, 0, kSpanMs);
      options.range.to_ms = options.range.from_ms + Between(random_, 0, kSpanMs / 4);
    }
    auto lines = Export(options);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines[0], kHeading);
    lines.erase(lines.begin());
    ASSERT_NO_FATAL_FAILURE(ExpectTheSummary(lines, options.range));
    EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
    if (i != 0) continue;
    EXPECT_EQ(lines.size(), 2'000U);
    EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 2'000U);
    EXPECT_EQ(counts_.rejected, 2'000U / 11);
    EXPECT_EQ(counts_.pending, 1U);
    EXPECT_EQ(counts_.damaged, 0U);
  }
}

TEST_P(ExportTest, AfterAPurgeItHasWhatTheSummariesHave) {
  BookRandomly(1, 50);
  const ClaimRequest claimed = RandomRequest(60);
  Claim(owner_, {claimed});
  ASSERT_TRUE(Purge(*books_));
  BookRandomly(101, 110);
  RecordAll({{.claim = claimed, .epoch_known = true, .epoch = 0}});
  auto lines = Export();
  lines.erase(lines.begin());
  EXPECT_EQ(lines.size(), 11U);
  ExpectTheSummary(lines, {});
  EXPECT_EQ(counts_.not_counted, 1U) << "claimed before the purge";
}

TEST_P(ExportTest, ItGoesBackAsFarAsTheBooks) {
  BookRandomly(1, 20);
  NextShelf(21);
  NextShelf(22);
  auto lines = Export();
  lines.erase(lines.begin());
  if (GetParam() == ledger::Where::kFile) {
    EXPECT_EQ(lines.size(), 22U) << "every payment";
    ExpectTheSummary(lines, {});
    EXPECT_LT(counts_.known_from_ms, clock_.WallMillis() - 86'400'000);
  } else {
    EXPECT_EQ(lines.size(), 2U) << "two shelves";
    EXPECT_GT(counts_.known_from_ms, clock_.WallMillis() - 101'000'000) << "and it says so";
  }
}

TEST_P(ExportTest, ARejectionThatWasBookedAfterAllIsOneLine) {
  const ClaimRequest request = RandomRequest(1);
  const auto rejected = payments::RejectReason::kRefused;
  RecordAll({{.claim = request, .booked = false, .reason = rejected},
             {.claim = RandomRequest(2), .booked = false, .reason = rejected}});
  NextShelf(3);
  ASSERT_EQ(Export().size(), 4U);
  ClaimRequest later = request;
  later.requested_at_ms += 1;
  RecordAll({{.claim = later}});
  const auto lines = Export();
  EXPECT_EQ(lines.size(), 4U);
  const auto about = std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(payments::ToString(request.payment.id) + ",booked") != std::string::npos;
  });
  EXPECT_EQ(about, 1);
  EXPECT_EQ(counts_.rejected, 1U) << "the other one still is";
}

TEST_P(ExportTest, ItGoesOnBehindAnyLine) {
  BookRandomly(1, 300);
  const auto whole = Export();
  for (const size_t at : {size_t{1}, size_t{2}, size_t{150}, size_t{300}}) {
    const auto fields = Fields(whole[at]);
    const auto time = payments::ParseTimestampMillis(fields[0], payments::Rounding::kDown);
    const auto rest =
        Export({.after = config::ExportPosition{.requested_at_ms = time.value(),
                                                .id = payments::ParseUuid(fields[1]).value()}});
    EXPECT_EQ(rest, std::vector(whole.begin() + static_cast<std::ptrdiff_t>(at) + 1, whole.end()));
  }
}

TEST_P(ExportTest, LinesOfJsonSayTheSame) {
  RecordAll({{.claim = {.payment = {.id = Id(1), .amount_cents = 1990},
                        .slot = 1,
                        .generation = 1,
                        .attempt = 1,
                        .processor = 1,
                        .requested_at_ms = kBeginMs}},
             {.claim = {.payment = {.id = Id(2), .amount_cents = 5},
                        .processor = payments::kNoProcessor,
                        .requested_at_ms = kBeginMs + 1},
              .booked = false,
              .reason = payments::RejectReason::kConflict}});
  const auto lines = Export({.format = config::ExportFormat::kJsonLines});
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], R"({"requestedAt":"2025-07-15T12:36:40.000Z","correlationId":")" +
                          payments::ToString(Id(1)) +
                          R"(","state":"booked","amount":19.90,"processor":"fallback","fee":2.985,)"
                          R"("counted":true})");
  EXPECT_EQ(lines[1],
            R"({"requestedAt":"2025-07-15T12:36:40.001Z","correlationId":")" +
                payments::ToString(Id(2)) +
                R"(","state":"rejected","amount":0.05,"counted":false,"reason":"conflict"})");
}

TEST_P(ExportTest, AReaderThatLeavesOrAFullDiskIsToldWithWhereToGoOn) {
  BookRandomly(1, 3'000);
  const auto whole = Export();
  const base::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const base::Status refused = ExportTo(full.get(), {}, 1'000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "the export cannot be written: No space left on device; nothing was written");
  // The pipe takes the first 64 KiB, which end within a line.
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const base::UniqueFd read_end(ends[0]), write_end(ends[1]);
  const base::Status stopped = ExportTo(write_end.get(), {}, 1'000);
  ASSERT_FALSE(stopped.ok());
  const std::string& told = stopped.error().message;
  const std::string key = "go on with --after ";
  ASSERT_NE(told.find(key), std::string::npos) << told;
  const std::string after = told.substr(told.find(key) + key.size(), 61);
  std::string got(1 << 20, '\0');
  got.resize(static_cast<size_t>(::read(read_end.get(), got.data(), got.size())));
  std::string lines;
  for (const std::string& line : whole) {
    lines += line + "\n";
    if (line.starts_with(after)) break;
  }
  EXPECT_TRUE(got.starts_with(lines)) << "what follows its last whole line is " << told;
  EXPECT_EQ(got.find('\n', lines.size()), std::string::npos) << "it is the last whole one";
  EXPECT_EQ(got.size() != lines.size(), told.find("cut off") != std::string::npos) << told;
}

TOLLGATE_IN_EACH_PLACE(ExportTest);

TEST(ExportFee, IsExact) {
  EXPECT_EQ(FeeText(1990, 50'000), "0.995");
  EXPECT_EQ(FeeText(100, 50'000), "0.05");
  EXPECT_EQ(FeeText(1, 1), "0.00000001");
  EXPECT_EQ(FeeText(payments::kAmountCentsMax, 1'000'000), "9999999999.99");
  EXPECT_EQ(FeeText(1990, 0), "0.00");
}

TEST(ExportRowsTest, WhatDoesNotFitInMemoryIsSortedToo) {
  testing::TemporaryFolder folder;
  base::Random random(3);
  for (const uint64_t count : {0U, 1U, 99U, 100U, 101U, 1'000U, 10'000U}) {
    ExportRows rows(folder.path(), 100);
    std::set<config::ExportPosition> expected;
    for (uint64_t i = 0; i < count; ++i) {
      const config::ExportPosition at{.requested_at_ms = Between(random, 0, 500),
                                      .id = {0, random.Below(20)}};
      expected.insert(at);
      ASSERT_TRUE(rows.Add({.at = at, .amount_cents = 7}).ok());
    }
    ASSERT_TRUE(rows.Sort().ok());
    std::vector<config::ExportPosition> taken;
    for (auto row = rows.Next(); row.value(); row = rows.Next()) taken.push_back(row.value()->at);
    EXPECT_EQ(taken, std::vector(expected.begin(), expected.end())) << count;
  }
}

}  // namespace
}  // namespace tollgate::app

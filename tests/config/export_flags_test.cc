#include "config/export_flags.h"

#include <gtest/gtest.h>

#include "tollgate/config/command_line.h"

namespace tollgate::config {
namespace {

base::Result<CommandLine> Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"export", "--redis-socket", "/x.sock"});
  return ParseCommandLine(arguments, [](const std::string&) { return std::nullopt; });
}
std::string Problem(const std::vector<std::string>& arguments) {
  const auto line = Parse(arguments);
  EXPECT_FALSE(line.ok());
  return line.ok() ? "" : line.error().message;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(ExportFlagsTest, RangeFormatAndPositionAreRead) {
  const auto usual = Parse({});
  ASSERT_TRUE(usual.ok());
  EXPECT_EQ(usual.value().command, Command::kExport);
  EXPECT_EQ(usual.value().export_options.format, ExportFormat::kCsv);
  EXPECT_FALSE(usual.value().export_options.after);
  const auto line =
      Parse({"--from", "2025-07-15T12:34:56.0001Z", "--to", "2025-07-15T12:34:57.0019Z", "--format",
             "jsonl", "--after", "2025-07-15T12:34:56.123Z,4A7901B8-7d26-4d9d-aa19-4dc1c7cf60b3"});
  ASSERT_TRUE(line.ok());
  const ExportOptions& options = line.value().export_options;
  EXPECT_EQ(options.range.from_ms, 1'752'582'896'001);
  EXPECT_EQ(options.range.to_ms, 1'752'582'897'001);
  EXPECT_EQ(options.format, ExportFormat::kJsonLines);
  ASSERT_TRUE(options.after);
  EXPECT_EQ(options.after->requested_at_ms, 1'752'582'896'123);
  EXPECT_EQ(options.after->id.high, 0x4a7901b87d264d9dU);
}

TEST(ExportFlagsTest, ErrorsNameTheFlagAndTheFix) {
  EXPECT_SAYS(Problem({"--from", "yesterday"}), "--from: 'yesterday'");
  EXPECT_SAYS(Problem({"--from", "2025-07-15T12:00:00Z", "--to", "2025-07-15T11:00:00Z"}),
              "--from is later than --to; swap them");
  EXPECT_SAYS(Problem({"--format", "xml"}), "--format: 'xml' must be csv or jsonl");
  EXPECT_SAYS(Problem({"--after", "2025-07-15T12:00:00Z"}), "--after: ");
  EXPECT_SAYS(Problem({"--after", "2025-07-15T12:00:00Z,7"}), "with which the last whole line");
  EXPECT_SAYS(Problem({"--fromm", "x"}), "did you mean --from?");
}

}  // namespace
}  // namespace tollgate::config

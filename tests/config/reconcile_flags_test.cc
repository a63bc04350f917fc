#include "config/reconcile_flags.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tollgate/config/command_line.h"

namespace tollgate::config {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class ReconcileFlagsTest : public ::testing::Test {
 protected:
  ReconcileFlagsTest() {
    std::string pattern = "/tmp/tollgate-reconcile.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    environment_["REDIS_SOCKET"] = "/redis.sock";
  }
  ~ReconcileFlagsTest() override { std::filesystem::remove_all(folder_); }

  base::Result<CommandLine> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "reconcile");
    return ParseCommandLine(arguments, [this](const std::string& name) {
      const auto it = environment_.find(name);
      return it == environment_.end() ? std::nullopt : std::optional<std::string>(it->second);
    });
  }
  ReconcileOptions Good(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_TRUE(line.ok()) << (line.ok() ? "" : line.error().message);
    if (!line.ok()) return {};
    EXPECT_EQ(line.value().command, Command::kReconcile);
    return line.value().reconcile;
  }
  std::string Problem(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_FALSE(line.ok());
    return line.ok() ? "" : line.error().message;
  }
  std::string File(const std::string& text) {
    const std::string path = folder_ + "/file";
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ReconcileFlagsTest, RangeAndAgesHaveTheirDefaultsAndAreRead) {
  const ReconcileOptions usual = Good({});
  EXPECT_EQ(usual.min_age_ms, 60'000);
  EXPECT_FALSE(usual.repair);
  EXPECT_TRUE(usual.admin_tokens.empty());
  const ReconcileOptions options =
      Good({"--from", "2025-07-15T12:34:56.0001Z", "--to", "2025-07-15T14:34:56.0019+02:00",
            "--repair", "--json", "--min-age", "2m", "--look-ups", "7"});
  EXPECT_EQ(options.range.from_ms, 1'752'582'896'001) << "rounds up";
  EXPECT_EQ(options.range.to_ms, 1'752'582'896'001) << "rounds down";
  EXPECT_TRUE(options.repair && options.json);
  EXPECT_EQ(options.min_age_ms, 120'000);
  EXPECT_EQ(options.in_flight_max, 7U);
}

TEST_F(ReconcileFlagsTest, WhatIsWrongWithATimeIsNamed) {
  EXPECT_SAYS(Problem({"--from", "2025-02-30T00:00:00Z"}),
              "--from: '2025-02-30T00:00:00Z': the day");
  EXPECT_SAYS(Problem({"--to", "2025-02-03"}), "a T must stand");
  EXPECT_SAYS(Problem({"--min-age", "-1s"}), "--min-age: '-1s' must be at least 0");
  EXPECT_SAYS(Problem({"--patience", "5"}), "--patience: '5' must be a number and a unit");
  EXPECT_EQ(Good({"--from", "1969-12-31T23:59:59Z"}).range.from_ms, -1'000);
}

TEST_F(ReconcileFlagsTest, TokensComeFromTheEnvironmentOrAFileAndNeverFromAFlag) {
  environment_["ADMIN_TOKEN_DEFAULT"] = "123";
  EXPECT_EQ(Good({}).admin_tokens, (std::map<std::string, std::string>{{"default", "123"}}));
  const auto tokens = Good({"--tokens", File("# secret\n\n  fallback = 4=5 \r\ndefault=9\n")});
  EXPECT_EQ(tokens.admin_tokens,
            (std::map<std::string, std::string>{{"default", "9"}, {"fallback", "4=5"}}));
  EXPECT_EQ(TokenVariable("eu-west.1"), "ADMIN_TOKEN_EU_WEST_1");
  EXPECT_SAYS(Problem({"--tokens", File("defualt=9\n")}), "did you mean default?");
  const std::string bad = Problem({"--tokens", File("secret9\n")});
  EXPECT_SAYS(bad, "NAME=TOKEN");
  EXPECT_EQ(bad.find("secret9"), std::string::npos) << "a token is shown";
  environment_["ADMIN_TOKEN_DEFAULT"] = "1\r\nX: y";
  EXPECT_SAYS(Problem({}), "control characters");
}

TEST_F(ReconcileFlagsTest, IdsAreReadOnceEach) {
  const auto options = Good({"--ids", File("4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3\n"
                                           "4A7901B8-7D26-4D9D-AA19-4DC1C7CF60B3\n"
                                           "# another\n"
                                           "00000000-0000-0000-0000-000000000001\n")});
  EXPECT_EQ(options.ids.size(), 2U);
}

TEST_F(ReconcileFlagsTest, EveryProblemNamesTheFlagAndTheFix) {
  EXPECT_SAYS(Problem({"--from", "yesterday"}),
              "--from: 'yesterday': the year must have four digits");
  EXPECT_SAYS(Problem({"--from", "2025-07-15T12:00:00Z", "--to", "2025-07-15T11:00:00Z"}), "swap");
  EXPECT_SAYS(Problem({"--min-age", "soon"}), "--min-age");
  EXPECT_SAYS(Problem({"--look-ups", "0"}), "1 to 500");
  EXPECT_SAYS(Problem({"--ids", File("12\n")}), "'12' is no UUID");
  EXPECT_SAYS(Problem({"--ids", folder_ + "/none"}), "cannot read");
  EXPECT_SAYS(Problem({"--repiar"}), "did you mean --repair?");
  EXPECT_SAYS(Problem({"--redis-sokcet", "x"}), "did you mean --redis-socket?");
}

TEST_F(ReconcileFlagsTest, TheGatewaysSettingsAreUnderstoodAndItsFoldersAreNotNeeded) {
  environment_["DATA_DIR"] = "/proc/nothing";
  const auto line = Parse({"--redis-socket", "/r.sock", "--default-url", "http://a:1"});
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_EQ(line.value().config.redis.unix_path, "/r.sock");
  EXPECT_EQ(line.value().config.processors[0].url, "http://a:1");
}

TEST_F(ReconcileFlagsTest, ItsHelpShowsItsFlagsAndExitCodes) {
  const auto line = Parse({"--help"});
  ASSERT_TRUE(line.ok());
  EXPECT_SAYS(line.value().text, "--repair");
  EXPECT_SAYS(line.value().text, "2 differences are left");
  EXPECT_SAYS(line.value().text, "ADMIN_TOKEN_DEFAULT");
}

}  // namespace
}  // namespace tollgate::config

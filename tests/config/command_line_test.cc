#include "tollgate/config/command_line.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace tollgate::config {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = "/tmp/tollgate-config.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    environment_["DATA_DIR"] = folder_;
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  base::Result<CommandLine> Parse(const std::vector<std::string>& arguments) {
    return ParseCommandLine(arguments, [this](const std::string& name) {
      const auto it = environment_.find(name);
      return it == environment_.end() || it->second.empty()
                 ? std::nullopt
                 : std::optional<std::string>(it->second);
    });
  }
  Config Good(const std::vector<std::string>& arguments) {
    auto line = Parse(arguments);
    EXPECT_TRUE(line.ok()) << (line.ok() ? "" : line.error().message);
    return line.ok() ? line.value().config : Config{};
  }
  std::string Problem(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_FALSE(line.ok());
    return line.ok() ? "" : line.error().message;
  }
  std::string File(const std::string& text) {
    const std::string path = folder_ + "/config.toml";
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
  std::map<std::string, std::string> environment_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ConfigTest, TheBooksHaveAPowerOfTwoOfBuckets) {
  EXPECT_EQ(Good({}).redis.buckets, 65'536U);
  EXPECT_EQ(Good({"--books-buckets", "4096"}).redis.buckets, 4'096U);
  EXPECT_EQ(Good({"--books-buckets", "4194304"}).redis.buckets, 4'194'304U);
  for (const char* const wrong : {"65537", "2048", "8388608", "0", "-1", "many"}) {
    EXPECT_SAYS(Problem({"--books-buckets", wrong}), "must be a") << wrong;
  }
}

TEST_F(ConfigTest, FlagsWinOverEnvironmentOverFileOverDefault) {
  const std::string file = File("table_slots = 3\nin_flight_max = 30\nunresolved_max = 300\n");
  environment_["CONFIG"] = file;
  environment_["TABLE_SLOTS"] = "2";
  environment_["IN_FLIGHT_MAX"] = "20";
  const Config config = Good({"--table-slots", "1"});
  EXPECT_EQ(config.table_slots, 1U);
  EXPECT_EQ(config.in_flight_max, 20U);
  EXPECT_EQ(config.unresolved_max, 300U);
  EXPECT_EQ(config.drain_timeout_ms, 8'000);
}

TEST_F(ConfigTest, TheOriginalsEnvironmentAloneIsValid) {
  environment_ = {{"SERVER_SOCKET", folder_ + "/s.sock"},
                  {"REDIS_SOCKET", "/sockets/redis.sock"},
                  {"DEFAULT_URL", "http://payment-processor-default:8080"},
                  {"FALLBACK_URL", "http://payment-processor-fallback:8080"},
                  {"NUM_WORKERS", "50"},
                  {"REDIS_READ_TIMEOUT", "5s"},
                  {"REDIS_WRITE_TIMEOUT", "500ms"},
                  {"REDIS_POOL_TIMEOUT", "10s"},
                  {"GOMAXPROCS", "3"}};
  const Config config = Good({});
  EXPECT_EQ(config.redis.command_timeout_ms, 500);
  EXPECT_LE(config.acceptors + config.workers, 3U);
  ASSERT_EQ(config.notes.size(), 1U);
  EXPECT_SAYS(config.notes[0], "NUM_WORKERS");
  ASSERT_EQ(config.processors.size(), 2U);
  EXPECT_EQ(config.processors[0].name, "default");
  EXPECT_EQ(config.processors[1].fee_ppm, 150'000);
  EXPECT_EQ(config.processors[1].in_flight_max, 350U);
}

TEST_F(ConfigTest, ARenamedSettingIsTakenUnderItsFormerNameWithANote) {
  environment_["GATHER"] = "40ms";
  environment_["CONFIG"] = File("horizon = \"17:00\"\n");
  const Config config = Good({"--dedup-horizon", "48h"});
  EXPECT_EQ(config.linger_us, 40'000);
  EXPECT_EQ(config.redis.dedup_window_s, 2 * 86'400);
  EXPECT_TRUE(config.cutoff.daily);
  ASSERT_EQ(config.notes.size(), 3U);
  EXPECT_SAYS(config.notes[0], "flag --dedup-horizon: dedup_horizon is now called dedup_window");
  EXPECT_SAYS(config.notes[1], "horizon is now called cutoff; use that name");
  EXPECT_SAYS(config.notes[2], "environment GATHER: gather is now called linger");
  EXPECT_EQ(Parse({"--help"}).value().text.find("horizon"), std::string::npos);
  EXPECT_SAYS(Problem({"--gather", "0ms"}), "linger: '0ms' from flag --gather");
}

TEST_F(ConfigTest, OfBothNamesTheStrongerSourceCountsAndThePresentNameInOneSource) {
  environment_["GATHER"] = "40ms";
  environment_["LINGER"] = "50ms";
  Config config = Good({});
  EXPECT_EQ(config.linger_us, 50'000);
  ASSERT_EQ(config.notes.size(), 1U);
  EXPECT_SAYS(config.notes[0], "environment LINGER sets: ignored");
  config = Good({"--gather", "60ms"});
  EXPECT_EQ(config.linger_us, 60'000);
  config = Good({"--linger", "70ms"});
  EXPECT_EQ(config.linger_us, 70'000);
}

TEST_F(ConfigTest, GomaxprocsBoundsTheThreadsThatAreNotGivenAndContradictsTooManyThatAre) {
  environment_["GOMAXPROCS"] = "1";  // there is always one of each
  EXPECT_EQ(Good({}).acceptors, 1U);
  EXPECT_EQ(Good({}).workers, 1U);
  environment_["GOMAXPROCS"] = "64";  // only an upper bound: the quota of this machine counts
  EXPECT_EQ(Good({}).acceptors + Good({}).workers, [this] {
    environment_.erase("GOMAXPROCS");
    const Config usual = Good({});
    return usual.acceptors + usual.workers;
  }());
  environment_["GOMAXPROCS"] = "3";
  EXPECT_EQ(Good({"--acceptors", "2"}).workers, 1U);
  EXPECT_EQ(Good({"--workers", "2"}).acceptors, 1U);
  EXPECT_SAYS(Problem({"--acceptors", "2", "--workers", "2"}), "gomaxprocs 3 from environment");
  EXPECT_SAYS(Problem({"--acceptors", "5"}), "unset GOMAXPROCS");
}

TEST_F(ConfigTest, BadValuesNameTheSettingItsSourceAndTheFix) {
  environment_["DRAIN_TIMEOUT"] = "8";
  EXPECT_SAYS(Problem({}), "drain_timeout: '8' from environment DRAIN_TIMEOUT");
  environment_.erase("DRAIN_TIMEOUT");
  EXPECT_SAYS(Problem({"--default-fee", "5"}), "flag --default-fee");
  EXPECT_SAYS(Problem({"--default-fee", "5"}), "0 to 1");
  EXPECT_SAYS(Problem({"--durability", "maybe"}), "memory, process or disk");
  EXPECT_SAYS(Problem({"--listen", "nowhere"}), "HOST:PORT");
  EXPECT_SAYS(Problem({"--default-url", "ftp://x"}), "http://");
  EXPECT_SAYS(Problem({"--table-slots", "0"}), "whole number");
  EXPECT_SAYS(Problem({"--linger", "0ms"}), "at least 1us");
  EXPECT_SAYS(Problem({"--linger", "1001ms"}), "at most 1s");
  EXPECT_SAYS(Problem({"--data-dir", "/proc/nothing"}), "can be written to");
  EXPECT_SAYS(Problem({"--answer-timeout", "10ms"}), "answer_timeout is shorter");
}

TEST_F(ConfigTest, TimesAreGosAndNotBelowTheirLeast) {
  environment_["DRAIN_TIMEOUT"] = "+1m2.5s";
  EXPECT_EQ(Good({}).drain_timeout_ms, 62'500);
  for (const char* text : {"-5s", "-1ns"}) {
    environment_["DRAIN_TIMEOUT"] = text;
    EXPECT_SAYS(Problem({}), "must be at least 0");
    environment_["DRAIN_TIMEOUT"] = "1s";
    EXPECT_SAYS(Problem({"--health-interval", text}), "must be at least 100ms");
  }
  EXPECT_SAYS(Problem({"--health-interval", "100000h"}), "must be at most 10000h");
  EXPECT_SAYS(Problem({"--health-interval", "9999999999h"}), "290 years");
  EXPECT_SAYS(Problem({"--health-interval", "5d"}), "'d' is no unit");
  EXPECT_SAYS(Problem({"--cutoff", "2025-07-15T25:00:00Z"}), "the hour must be 00 to 23");
  EXPECT_SAYS(Problem({"--cutoff", "17:60"}), "the minute must be 00 to 59");
  const auto processor = [&](const std::string& line) {
    return Problem(
        {"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\n" + line)});
  };
  EXPECT_SAYS(processor("answer_timeout = \"-5s\"\n"),
              "answer_timeout must be a duration such as 500ms");
  EXPECT_SAYS(processor("answer_timeout = \"5\"\n"), "has no unit");
}

TEST_F(ConfigTest, AProcessorsNameIsOneThatLinesAndJsonCanShow) {
  for (const char* name : {"", "a\\nb", "a\\u001bb", "a\\u007f", "a\\\"b", "a\\\\b", "a\\u009bb",
                           "a\\u2028b", "12345678901234567890123456789012"}) {
    EXPECT_SAYS(Problem({"--config", File("[[processors]]\nname = \"" + std::string(name) +
                                          "\"\nurl = \"http://a:1\"\nfee = 0\n")}),
                "line 2: a name has 1 to 31 bytes, without control characters");
  }
}

TEST_F(ConfigTest, UnknownNamesStopTheStartAndNameTheNearest) {
  EXPECT_SAYS(Problem({"--tabel-slots", "1"}), "did you mean --table-slots?");
  EXPECT_SAYS(Problem({"helth"}), "did you mean health?");
  EXPECT_SAYS(Problem({"--config", File("tabel_slots = 1\n")}), "did you mean table_slots?");
  EXPECT_SAYS(Problem({"--config", File("[[processors]]\nnmae = \"a\"\n")}), "did you mean name?");
  EXPECT_SAYS(Problem({"--config", File("a = = b\n")}), "line 1");
  EXPECT_SAYS(Problem({"--config", folder_ + "/none.toml"}), "none.toml");
}

TEST_F(ConfigTest, ProcessorsComeFromTheFile) {
  const Config config = Good({"--config", File("[[processors]]\n"
                                               "name = \"a\"\nurl = \"http://a:1\"\nfee = 0.01\n"
                                               "answer_timeout = \"2s\"\nheaders = [\"X: y\"]\n"
                                               "[[processors]]\n"
                                               "name = \"b\"\nurl = \"http://b:1\"\nfee = 0.2\n"
                                               "in_flight_max = 7\n")});
  ASSERT_EQ(config.processors.size(), 2U);
  EXPECT_EQ(config.processors[0].fee_ppm, 10'000);
  EXPECT_EQ(config.processors[0].answer_timeout_ms, 2'000);
  EXPECT_EQ(config.processors[0].in_flight_max, 350U);
  EXPECT_EQ(config.processors[0].headers, std::vector<std::string>{"X: y"});
  EXPECT_EQ(config.processors[1].in_flight_max, 7U);
  EXPECT_SAYS(
      Problem({"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\nfee = 0\n"
                                "[[processors]]\nname = \"a\"\nurl = \"http://b:1\"\nfee = 0\n")}),
      "two are named a");
}

TEST_F(ConfigTest, AFilesProcessorsTakeTheGeneralLimitsAndContradictTheTwoUsualOnes) {
  const std::string file = File(
      "connect_timeout = \"2s\"\n[[processors]]\nname = \"a\"\nurl = \"http://a:1/\"\n"
      "fee = 0.01\n");
  const Config config = Good({"--config", file, "--answer-timeout", "9s"});
  ASSERT_EQ(config.processors.size(), 1U);
  EXPECT_EQ(config.processors[0].url, "http://a:1");
  EXPECT_EQ(config.processors[0].connect_timeout_ms, 2'000);
  EXPECT_EQ(config.processors[0].answer_timeout_ms, 9'000);
  EXPECT_SAYS(Problem({"--config", file, "--default-fee", "0.1"}),
              "default_fee is set by flag --default-fee, and " + file + " lists [[processors]]");
  environment_["FALLBACK_URL"] = "http://f:1";
  EXPECT_SAYS(Problem({"--config", file}), "fallback_url is set by environment FALLBACK_URL");
  EXPECT_EQ(Good({}).processors[1].connect_timeout_ms, 1'000);
  EXPECT_SAYS(Problem({"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\n")}),
              "needs a name, a url and a fee");
  EXPECT_SAYS(Problem({"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1/x\"\n")}),
              "without a path");
}

TEST_F(ConfigTest, AProcessorSaysWhichItIsAndWhatItWas) {
  const Config config =
      Good({"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\nfee = 0\n"
                             "identity = \"bank-7\"\nwas = [\"http://old:1\", \"bank-6\"]\n")});
  EXPECT_EQ(config.processors[0].identity, "bank-7");
  EXPECT_EQ(config.processors[0].was, (std::vector<std::string>{"http://old:1", "bank-6"}));
  const auto problem = [&](const std::string& line) {
    return Problem(
        {"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\n" + line)});
  };
  EXPECT_SAYS(problem("identity = \"\"\n"), "which processor it is");
  EXPECT_SAYS(problem("was = \"http://old:1\"\n"), "was must be a list");
  EXPECT_SAYS(problem("was = [7]\n"), "was must be a list");
}

TEST_F(ConfigTest, AProcessorThatMovedIsKnownByItsFormerUrlsAlsoWithoutAFile) {
  const Config config = Good({"--default-was", "http://old:1,bank-6"});
  EXPECT_EQ(config.processors[0].was, (std::vector<std::string>{"http://old:1", "bank-6"}));
  EXPECT_TRUE(config.processors[1].was.empty());
  EXPECT_SAYS(Problem({"--fallback-was", "a,,b"}), "none of them empty");
  EXPECT_SAYS(Problem({"--fallback-was", "a,"}), "none of them empty");
}

TEST_F(ConfigTest, AProcessorsHeadersAndCertificatesAreChecked) {
  const auto problem = [&](const std::string& line) {
    return Problem(
        {"--config", File("[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\n" + line)});
  };
  EXPECT_SAYS(problem("headers = [\"no colon\"]\n"), "Name: value");
  EXPECT_SAYS(problem("headers = [\"a b: c\"]\n"), "Name: value");
  EXPECT_SAYS(problem("headers = [\"X: a\\r\\nY: b\"]\n"), "control characters");
  EXPECT_SAYS(problem("headers = [\"content-length: 5\"]\n"), "cannot be Content-Length");
  EXPECT_SAYS(problem("ca_file = \"/nowhere.pem\"\n"), "PEM file");
}

TEST_F(ConfigTest, RedisByUrlOrBySocket) {
  environment_["REDIS_URL"] = "redis://me:secret@db:7000/3";
  const Config config = Good({});
  EXPECT_EQ(config.redis.unix_path, "");
  EXPECT_EQ(config.redis.host, "db");
  EXPECT_EQ(config.redis.port, 7000);
  EXPECT_EQ(config.redis.user, "me");
  EXPECT_EQ(config.redis.password, "secret");
  EXPECT_EQ(config.redis.database, 3);
  EXPECT_EQ(Good({"--redis-socket", "/r.sock"}).redis.unix_path, "/r.sock") << "flags win";
  environment_["REDIS_SOCKET"] = "/r.sock";
  EXPECT_SAYS(Problem({}), "both set");
}

TEST_F(ConfigTest, CheckConfigShowsSourcesAndHidesSecrets) {
  environment_["REDIS_URL"] = "redis://me:secret@db:7000/3";
  const auto line = Parse({"--check-config", "--allow-purge"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line.value().command, Command::kCheckConfig);
  const std::string& text = line.value().text;
  EXPECT_SAYS(text, "flag --allow-purge");
  EXPECT_SAYS(text, "environment DATA_DIR");
  EXPECT_SAYS(text, "(hidden)");
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST_F(ConfigTest, NoSecretOfAProcessorIsShown) {
  const std::string file = File(
      "[[processors]]\nname = \"a\"\nurl = \"http://me:secret@a:1\"\n"
      "fee = 0.01\nheaders = [\"X-Key: secret\"]\n");
  const auto line = Parse({"--check-config", "--config", file});
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_SAYS(line.value().text, "http://(hidden)@a:1");
  EXPECT_SAYS(line.value().text, "header X-Key: (hidden)");
  EXPECT_SAYS(line.value().text, "answer within 15s");
  EXPECT_EQ(line.value().text.find("secret"), std::string::npos) << line.value().text;
  environment_["DEFAULT_URL"] = "http://me:secret@a:1";
  EXPECT_EQ(Parse({"--check-config"}).value().text.find("secret"), std::string::npos);
  environment_["DEFAULT_URL"] = "http://me:secret@a:1/path";
  EXPECT_EQ(Problem({}).find("secret"), std::string::npos) << Problem({});
  environment_["REDIS_URL"] = "http://me:secret@a:1/path";
  EXPECT_EQ(Problem({}).find("secret"), std::string::npos) << Problem({});
}

// Sums of durations and a clock in nanoseconds must fit 64 bits. libcurl takes milliseconds in 32
// bits, so 50 days would wrap to some minutes.
TEST_F(ConfigTest, ADurationThatWouldWrapAClockIsRefused) {
  for (const char* flag : {"--idle-timeout", "--drain-timeout", "--max-wait", "--health-interval",
                           "--redis-read-timeout", "--dedup-window", "--sync-interval"}) {
    EXPECT_SAYS(Problem({std::string(flag) + "=10001h"}), "must be at most 10000h");
    EXPECT_SAYS(Problem({std::string(flag) + "=2562047h"}), "must be at most 10000h");
  }
  EXPECT_EQ(Good({"--dedup-window=10000h"}).redis.dedup_window_s, 36'000'000);
  for (const char* flag : {"--connect-timeout", "--answer-timeout"}) {
    EXPECT_SAYS(Problem({std::string(flag) + "=1200h"}), "must be at most 24h");
  }
  const std::string file = File(
      "[[processors]]\nname = \"a\"\nurl = \"http://a:1\"\nfee = 0.01\nanswer_timeout = "
      "\"1200h\"\n");
  EXPECT_SAYS(Problem({"--config", file}), "at most 24h");
}

TEST_F(ConfigTest, HelpVersionAndSubcommands) {
  EXPECT_EQ(Parse({"--help"}).value().command, Command::kHelp);
  EXPECT_SAYS(Parse({"--help"}).value().text, "--table-slots");
  EXPECT_SAYS(Parse({"--version"}).value().text, "tollgate ");
  EXPECT_EQ(Parse({"health"}).value().command, Command::kHealth);
  const auto pending = Parse({"pending", "--json", "--data-dir", folder_});
  ASSERT_TRUE(pending.ok()) << pending.error().message;
  EXPECT_EQ(pending.value().command, Command::kPending);
  EXPECT_TRUE(pending.value().json);
}

}  // namespace
}  // namespace tollgate::config

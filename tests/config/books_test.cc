// Where the books are, by configuration alone.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tollgate/config/command_line.h"

namespace tollgate::config {
namespace {

class BooksSettingTest : public ::testing::Test {
 protected:
  BooksSettingTest() {
    std::string pattern = "/tmp/tollgate-books.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    environment_["DATA_DIR"] = folder_;
  }
  ~BooksSettingTest() override { std::filesystem::remove_all(folder_); }

  base::Result<CommandLine> Parse(const std::vector<std::string>& arguments) {
    return ParseCommandLine(arguments, [this](const std::string& name) {
      const auto it = environment_.find(name);
      return it == environment_.end() ? std::nullopt : std::optional<std::string>(it->second);
    });
  }
  Config Good(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_TRUE(line.ok()) << (line.ok() ? "" : line.error().message);
    return line.ok() ? line.value().config : Config{};
  }
  std::string Problem(const std::vector<std::string>& arguments) {
    const auto line = Parse(arguments);
    EXPECT_FALSE(line.ok());
    return line.ok() ? "" : line.error().message;
  }
  // The line of --check-config about the books.
  std::string Shown(std::vector<std::string> arguments) {
    arguments.emplace_back("--check-config");
    const auto line = Parse(arguments);
    EXPECT_TRUE(line.ok());
    const std::string text = line.ok() ? line.value().text : "";
    const size_t at = std::min(text.find("books  "), text.size());
    return text.substr(at, text.find('\n', at) - at);
  }

  std::string folder_;
  std::map<std::string, std::string> environment_;
};

constexpr auto kFile = ledger::PlaceKind::kFile;
constexpr auto kRedis = ledger::PlaceKind::kRedis;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(BooksSettingTest, WithoutAnySettingOfRedisTheyAreAFileInTheDataDir) {
  const Config config = Good({});
  EXPECT_EQ(config.books, kFile);
  EXPECT_EQ(config.file.path, folder_ + "/books.db");
  EXPECT_EQ(config.listen, "0.0.0.0:9999");
  EXPECT_EQ(config.file.dedup_window_s, 86'400);
  EXPECT_FALSE(config.file.sync_always);
  EXPECT_EQ(Good({"--dedup-window", "48h"}).file.dedup_window_s, 172'800);
  EXPECT_SAYS(Shown({}), "as nothing is set for Redis");
}

TEST_F(BooksSettingTest, AnySettingOfRedisMeansRedis) {
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"REDIS_SOCKET", "/sockets/redis.sock"},
                                          {"REDIS_URL", "redis://localhost"},
                                          {"REDIS_PREFIX", "a:"},
                                          {"REDIS_READ_TIMEOUT", "3s"},
                                          {"SERVER_SOCKET", folder_ + "/s.sock"}}) {
    environment_ = {{"DATA_DIR", folder_}, {name, value}};
    EXPECT_EQ(Good({}).books, kRedis) << name;
    EXPECT_SAYS(Shown({}), "as environment " + name + " is set");
  }
}

TEST_F(BooksSettingTest, BooksSaysItOutright) {
  EXPECT_EQ(Good({"--books", "redis"}).books, kRedis);
  environment_["REDIS_SOCKET"] = "/sockets/redis.sock";
  const Config config = Good({"--books", "file"});
  EXPECT_EQ(config.books, kFile);
  ASSERT_EQ(config.notes.size(), 1U);
  EXPECT_SAYS(config.notes[0], "flag --books is file, so the settings of Redis have no effect");
  EXPECT_SAYS(Problem({"--books", "mysql"}), "must be file or redis");
}

TEST_F(BooksSettingTest, DurabilityIsThatOfTheFileToo) {
  EXPECT_TRUE(Good({"--durability", "disk"}).file.sync_always);
  EXPECT_EQ(Good({"--durability", "memory"}).file.path, folder_ + "/books.db")
      << "the books are kept where the table is not";
}

TEST_F(BooksSettingTest, CommandsThatNeedOnlyTheBooksMakeNone) {
  EXPECT_SAYS(Problem({"reconcile"}), "there are no books in the file " + folder_ + "/books.db");
  EXPECT_SAYS(Problem({"books", "accept-loss"}), "there are no books in the file");
  EXPECT_EQ(Good({"reconcile", "--redis-socket", "/x.sock"}).books, kRedis);
  std::ofstream(folder_ + "/books.db").put('x');
  EXPECT_EQ(Good({"books", "accept-loss"}).file.path, folder_ + "/books.db");
}

}  // namespace
}  // namespace tollgate::config

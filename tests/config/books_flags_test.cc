#include "config/books_flags.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tollgate/config/command_line.h"

namespace tollgate::config {
namespace {

base::Result<CommandLine> Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "books");
  return ParseCommandLine(arguments, [](const std::string&) { return std::nullopt; });
}
std::string Problem(const std::vector<std::string>& arguments) {
  const auto line = Parse(arguments);
  EXPECT_FALSE(line.ok());
  return line.ok() ? "" : line.error().message;
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(BooksFlagsTest, LocationsAreRead) {
  const auto line =
      Parse({"copy", "--from", "redis://user:secret@other:7000/3", "--to", "file:some/books.db",
             "--redis-prefix", "shop:", "--redis-socket", "/x.sock"});
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_EQ(line.value().command, Command::kCopyBooks);
  const BooksLocation& from = line.value().copy_from;
  EXPECT_EQ(from.kind, ledger::PlaceKind::kRedis);
  EXPECT_EQ(from.redis.host, "other");
  EXPECT_EQ(from.redis.port, 7000);
  EXPECT_EQ(from.redis.database, 3);
  EXPECT_EQ(from.redis.password, "secret");
  EXPECT_EQ(from.redis.unix_path, "") << "it is said where";
  EXPECT_EQ(from.redis.prefix, "shop:");
  EXPECT_EQ(line.value().copy_to.kind, ledger::PlaceKind::kFile);
  EXPECT_EQ(line.value().copy_to.path, "some/books.db");
  const auto back = Parse({"copy", "--from", "file:/tmp", "--to", "unix:///run/redis.sock"});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.value().copy_from.path, "/tmp/books.db") << "a folder";
  EXPECT_EQ(back.value().copy_to.redis.unix_path, "/run/redis.sock");
}

TEST(BooksFlagsTest, ErrorsNameTheFlagAndTheFix) {
  EXPECT_SAYS(Problem({"copy", "--from", "file:/tmp"}), "--to is required");
  EXPECT_SAYS(Problem({"copy", "--from", "books.db", "--to", "file:x"}),
              "--from: 'books.db' must be file:PATH, redis://HOST:PORT or unix:///PATH");
  EXPECT_SAYS(Problem({"copy", "--from", "file:", "--to", "file:x"}), "--from: 'file:' must be");
  EXPECT_SAYS(Problem({"copy", "--from", "file:x", "--to", "redis://host:port"}), "--to: ");
  EXPECT_SAYS(Problem({"backup"}), "FILE is required");
}

TEST(BooksFlagsTest, ABackupIsOfTheFileOfTheSettings) {
  std::string folder = "/tmp/tollgate-books-flags.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/books.db").put('x');
  const auto line = Parse({"backup", "--data-dir", folder, "/some/copy.db"});
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_EQ(line.value().command, Command::kBackUp);
  EXPECT_EQ(line.value().config.file.path, folder + "/books.db");
  EXPECT_EQ(line.value().backup_file, "/some/copy.db");
}

}  // namespace
}  // namespace tollgate::config

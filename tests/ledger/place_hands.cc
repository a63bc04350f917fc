#include "tests/ledger/place_hands.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "ledger/file/database.h"

namespace tollgate::ledger {
namespace {

class RedisHands final : public PlaceHands {
 public:
  explicit RedisHands(const testing::TemporaryFolder& folder)
      : folder_(folder),
        redis_({"redis-server", "--port", "0", "--unixsocket", Socket(), "--dir", folder.path(),
                "--save", "", "--loglevel", "warning"},
               folder / "redis.log") {}

  std::unique_ptr<BooksPlace> Place(const PlaceOptions& options, Report report) override {
    RedisOptions redis;
    redis.unix_path = Socket();
    redis.grace_ms = options.grace_ms;
    redis.summary_wait_ms = options.summary_wait_ms;
    redis.summary_workers_min = options.summary_workers_min;
    redis.command_timeout_ms = options.timeout_ms;
    redis.dedup_window_s = options.dedup_window_s;
    redis.new_fleet = options.new_fleet;
    redis.accept_loss = options.accept_loss;
    redis.report = std::move(report);
    return MakeRedisPlace(redis, Reporting::kLedgers);
  }
  void MakeShelfOlder(int64_t seconds) override {
    Eval(
        "local number, began, rest = string.match(redis.call('GET', 'tollgate:shelf'), "
        "'^(%d+) (%d+) (.*)$') "
        "redis.call('SET', 'tollgate:shelf', number .. ' ' .. string.format('%d', began - " +
        std::to_string(seconds) + ") .. ' ' .. rest)");
  }
  int64_t ShelfNumber() override {
    return std::stoll("0" + Eval("return string.match(redis.call('GET', 'tollgate:shelf') or '', "
                                 "'^%d+') or ''"));
  }
  void SetNumber(const payments::Uuid& table, int64_t number) override {
    Eval("redis.call('HSET', 'tollgate:numbers', '" + Lua(table) + "', '" + std::to_string(number) +
         "')");
  }
  int64_t Number(const payments::Uuid& table) override {
    return std::stoll(Eval("return redis.call('HGET', 'tollgate:numbers', '" + Lua(table) + "')"));
  }
  void Keep() override { Eval("redis.call('COPY', 'tollgate:numbers', 'kept', 'REPLACE')"); }
  void RollBack() override { Eval("redis.call('COPY', 'kept', 'tollgate:numbers', 'REPLACE')"); }
  void SwapBooks() override {
    Eval(
        "redis.call('RENAME', 'tollgate:books', 'ours') "
        "redis.call('SET', 'tollgate:books', string.rep('x', 16))");
  }
  void PutBack() override { Eval("redis.call('RENAME', 'ours', 'tollgate:books')"); }
  void Empty() override { Eval("redis.call('FLUSHALL')"); }
  int64_t PendingClaims() override {
    return std::stoll(Eval("return redis.call('HLEN', 'tollgate:claims')"));
  }
  bool IsSwept() override { return Eval("return #redis.call('KEYS', 'tollgate:[ks]:0:*')") == "0"; }

 private:
  std::string Socket() const { return folder_ / "redis.sock"; }
  static std::string Lua(const payments::Uuid& id) {
    std::string text;
    for (const uint64_t word : {id.high, id.low}) {
      for (int i = 7; i >= 0; --i) {
        char byte[8];
        std::snprintf(byte, sizeof(byte), "\\%03d", static_cast<int>(word >> (8 * i) & 0xFFU));
        text += byte;
      }
    }
    return text;
  }
  std::string Eval(const std::string& script) {
    testing::ChildProcess cli({"redis-cli", "-s", Socket(), "--raw", "eval", script, "0"},
                              folder_ / ("eval-" + std::to_string(++calls_) + ".log"));
    EXPECT_EQ(cli.WaitExit(20'000), 0) << cli.Log();
    std::string text = cli.Log();
    EXPECT_EQ(text.find("ERR"), std::string::npos) << text;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

  const testing::TemporaryFolder& folder_;
  testing::ChildProcess redis_;
  int calls_ = 0;
};

class FileHands final : public PlaceHands {
 public:
  explicit FileHands(const testing::TemporaryFolder& folder)
      : path_(folder / std::string(kBooksFileName)) {}

  std::unique_ptr<BooksPlace> Place(const PlaceOptions& options, Report report) override {
    FileOptions file;
    file.path = path_;
    file.grace_ms = options.grace_ms;
    file.summary_wait_ms = options.summary_wait_ms;
    file.summary_workers_min = options.summary_workers_min;
    file.call_timeout_ms = options.timeout_ms;
    file.dedup_window_s = options.dedup_window_s;
    file.new_fleet = options.new_fleet;
    file.accept_loss = options.accept_loss;
    file.report = std::move(report);
    return MakeFilePlace(file);
  }
  void MakeShelfOlder(int64_t seconds) override {
    Run("UPDATE shelves SET began_s = began_s - " + std::to_string(seconds) +
        " WHERE number = (SELECT max(number) FROM shelves)");
  }
  int64_t ShelfNumber() override { return Ask("SELECT max(number) FROM shelves"); }
  void SetNumber(const payments::Uuid& table, int64_t number) override {
    const std::string gone = number < 0 ? "1" : "0";
    Run("INSERT INTO owners VALUES(" + Blob(table) + ", 0, 0, " + std::to_string(std::abs(number)) +
        ", " + gone +
        ", 0) ON CONFLICT(id) DO UPDATE SET number = excluded.number, gone = excluded.gone");
  }
  int64_t Number(const payments::Uuid& table) override {
    return Ask("SELECT iif(gone, -number, number) FROM owners WHERE id = " + Blob(table));
  }
  void Keep() override {
    Run("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT id, number FROM owners");
  }
  void RollBack() override {
    Run("UPDATE owners SET number = (SELECT number FROM kept WHERE kept.id = owners.id)");
  }
  void SwapBooks() override {
    Run("UPDATE meta SET key = 'ours' WHERE key = 'books'; "
        "INSERT INTO meta VALUES('books', " +
        Blob({7, 7}) + ")");
  }
  void PutBack() override {
    Run("DELETE FROM meta WHERE key = 'books'; UPDATE meta SET key = 'books' WHERE key = 'ours'");
  }
  void Empty() override {
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + ending);
  }
  int64_t PendingClaims() override { return Ask("SELECT count(*) FROM pending"); }
  bool IsSwept() override {
    return Ask("SELECT count(*) FROM sqlite_master WHERE name LIKE 'booked_0_%' OR "
               "name = 'sums_0'") == 0;
  }

 private:
  static std::string Blob(const payments::Uuid& id) {
    char text[40];
    std::snprintf(text, sizeof(text), "x'%016llx%016llx'", static_cast<unsigned long long>(id.high),
                  static_cast<unsigned long long>(id.low));
    return text;
  }
  void Open(file::Database& database) const {
    EXPECT_TRUE(database.Open(path_, SQLITE_OPEN_READWRITE)) << database.problem();
    sqlite3_busy_timeout(database.handle(), 20'000);
    sqlite3_wal_autocheckpoint(database.handle(), 0);
    sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  void Run(const std::string& sql) const {
    file::Database database;
    Open(database);
    EXPECT_TRUE(database.Run("BEGIN IMMEDIATE; " + sql + "; COMMIT")) << database.problem();
  }
  int64_t Ask(const std::string& sql) const {
    file::Database database;
    Open(database);
    const int64_t number = database.Number(sql.c_str(), 0);
    EXPECT_FALSE(database.failed()) << database.problem();
    return number;
  }

  const std::string path_;
};

}  // namespace

std::unique_ptr<PlaceHands> PlaceHands::Make(Where where, const testing::TemporaryFolder& folder) {
  if (where == Where::kRedis) return std::make_unique<RedisHands>(folder);
  return std::make_unique<FileHands>(folder);
}

}  // namespace tollgate::ledger

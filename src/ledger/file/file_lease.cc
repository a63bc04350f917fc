#include "ledger/file/file_lease.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ledger/file/file_books.h"
#include "tollgate/base/clock.h"
#include "tollgate/base/recent_times.h"

namespace tollgate::ledger::file {
namespace {

constexpr size_t kCallsMax = 64;
constexpr int64_t kLiveMs = 10'000;
// Of the visits of auditors: how many are kept, how old they may be, and how far ahead.
constexpr int64_t kVisitsKept = 64;
constexpr int64_t kVisitOldMs = 600'000;
constexpr int64_t kVisitAheadMs = 60'000;

struct LeaseRow {
  std::string text;
  int64_t at_ms = 0;
};

LeaseRow Find(Database& database, const std::string& key) {
  LeaseRow found;
  Statement(database, "SELECT text, at_ms FROM lease WHERE key = ?")
      .With(key)
      .First(
          [&](const Row& row) { found = {.text = std::string(row.Text(0)), .at_ms = row.Int(1)}; });
  return found;
}

void Put(Database& database, const std::string& key, const LeaseRow& row) {
  Statement(database, "INSERT OR REPLACE INTO lease VALUES(?, ?, ?)")
      .With(key, row.text, row.at_ms)
      .Run();
}

// The holder; empty: the lease is free. A lease that ends far ahead was taken before the clock was
// set back.
std::string HolderOf(Database& database, int64_t now_ms, int64_t ttl_ms) {
  const LeaseRow lease = Find(database, "lease");
  const bool valid = lease.at_ms > now_ms && lease.at_ms <= now_ms + 10 * ttl_ms;
  return valid ? lease.text : std::string();
}

int64_t CountLive(Database& database, const std::string& token, int64_t now_ms) {
  Statement(database, "INSERT OR REPLACE INTO live VALUES(?, ?)").With(token, now_ms).Run();
  Statement(database, "DELETE FROM live WHERE at_ms < ? OR at_ms > ?")
      .With(now_ms - kLiveMs, now_ms + kLiveMs)
      .Run();
  return database.Number("SELECT count(*) FROM live", 1);
}

std::vector<int64_t> TellVisits(Database& database, const std::vector<int64_t>& visits,
                                int64_t now_ms) {
  for (const int64_t at_ms : visits) {
    Statement(database, "INSERT OR IGNORE INTO visits VALUES(?)").With(at_ms).Run();
  }
  Statement(database, "DELETE FROM visits WHERE at_ms < ? OR at_ms > ?")
      .With(now_ms - kVisitOldMs, now_ms + kVisitAheadMs)
      .Run();
  Statement(database,
            "DELETE FROM visits WHERE at_ms NOT IN "
            "(SELECT at_ms FROM visits ORDER BY at_ms DESC LIMIT ?)")
      .With(kVisitsKept)
      .Run();
  std::vector<int64_t> known;
  Statement(database, "SELECT at_ms FROM visits ORDER BY at_ms DESC LIMIT ?")
      .With(static_cast<int64_t>(base::RecentTimes::kCount))
      .ForEach([&](const Row& row) { known.push_back(row.Int(0)); });
  return known;
}

}  // namespace

FileLeaseStore::FileLeaseStore(net::EventLoop& loop, std::shared_ptr<FileStore> store,
                               int64_t timeout_ms, const BooksMemory* memory)
    : memory_(memory), calls_(loop, std::move(store), timeout_ms, kCallsMax) {}

void FileLeaseStore::Acquire(const std::string& token, int64_t ttl_ms,
                             std::span<const int64_t> visits, OnView done) {
  const auto expected = Expected::Of(memory_);
  if (!expected) return done(std::nullopt);
  calls_.Write<LeaseView>(
      [=, visits = std::vector(visits.begin(), visits.end())](BookFile& file) {
        if (!expected->Are(file.header())) return std::optional<LeaseView>();
        Database& database = file.database();
        const int64_t now_ms = base::SystemClock().WallMillis();
        LeaseView view;
        view.holder = HolderOf(database, now_ms, ttl_ms);
        view.held = view.holder.empty() || view.holder == token;
        if (view.held) {
          view.holder = token;
          Put(database, "lease", {.text = token, .at_ms = now_ms + ttl_ms});
        }
        const LeaseRow health = Find(database, "health");
        view.snapshot = health.text;
        view.snapshot_age_ms =
            health.text.empty() ? 0 : std::max<int64_t>(0, now_ms - health.at_ms);
        view.instances = static_cast<uint32_t>(
            std::clamp<int64_t>(CountLive(database, token, now_ms), 1, 1'000'000));
        view.visits = TellVisits(database, visits, now_ms);
        return std::optional(std::move(view));
      },
      std::move(done));
}

void FileLeaseStore::Publish(const std::string& token, const std::string& snapshot, OnDone done) {
  calls_.Write<bool>(
      [=](BookFile& file) {
        const int64_t now_ms = base::SystemClock().WallMillis();
        const LeaseRow lease = Find(file.database(), "lease");
        if (lease.text != token || lease.at_ms <= now_ms) return false;
        Put(file.database(), "health", {.text = snapshot, .at_ms = now_ms});
        return true;
      },
      [done = std::move(done)](const std::optional<bool>& held) { done(held.value_or(false)); });
}

void FileLeaseStore::Release(const std::string& token, OnDone done) {
  calls_.Write<bool>(
      [=](BookFile& file) {
        Database& database = file.database();
        Statement(database, "DELETE FROM live WHERE token = ?").With(token).Run();
        if (Find(database, "lease").text != token) return false;
        return database.Run("DELETE FROM lease WHERE key = 'lease'");
      },
      [done = std::move(done)](const std::optional<bool>& held) { done(held.value_or(false)); });
}

}  // namespace tollgate::ledger::file

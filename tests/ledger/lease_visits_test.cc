// The visits of auditors, as instances tell them to each other with the lease.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/ledger/redis_ledger_fixture.h"
#include "tollgate/base/recent_times.h"
#include "tollgate/ledger/redis_books.h"

namespace tollgate::ledger {
namespace {

class LeaseVisitsTest : public RedisLedgerTest {
 protected:
  // What an instance hears when it tells of these.
  std::vector<int64_t> Tell(RedisLeaseStore& store, const std::vector<int64_t>& visits) {
    std::optional<LeaseView> view;
    const bool answered = Until([&] {
      bool done = false;
      store.Acquire("token", 5'000, visits, [&](const auto& answer) {
        view = answer;
        done = true;
      });
      return Until([&] { return done; }) && view.has_value();
    });
    EXPECT_TRUE(answered);
    if (!view) return {};
    std::sort(view->visits.begin(), view->visits.end());
    return view->visits;
  }
  const int64_t now_ms_ = base::SystemClock().WallMillis();
};

TEST_F(LeaseVisitsTest, TheyAreBoundedWhateverAPeerWrites) {
  RedisLeaseStore store(loop_, Options());
  store.Start();
  EXPECT_TRUE(Tell(store, {}).empty());  // the server is up
  Cli({"SET", "tollgate:visits", "garbage"});
  EXPECT_TRUE(Tell(store, {}).empty()) << "another type";
  const std::string now = std::to_string(now_ms_);
  std::vector<std::string> written{"ZADD",           "tollgate:visits", now,  "nonsense",
                                   "99999999999999", "99999999999999",  "-5", now};
  for (int i = 1; i < 300; ++i) {
    const std::string at = std::to_string(now_ms_ - 1'000 * i);
    written.insert(written.end(), {at, at});
  }
  Cli(written);
  const std::vector<int64_t> visits = Tell(store, {now_ms_ + 20});
  EXPECT_LE(visits.size(), base::RecentTimes::kCount);
  ASSERT_FALSE(visits.empty());
  EXPECT_EQ(visits.back(), now_ms_ + 20);
  EXPECT_GT(visits.front(), now_ms_ - 60'000);
  EXPECT_LE(std::stoi(Asked({"ZCARD", "tollgate:visits"})), 64);
  EXPECT_GT(std::stoi(Asked({"PTTL", "tollgate:visits"})), 0);
}

}  // namespace
}  // namespace tollgate::ledger

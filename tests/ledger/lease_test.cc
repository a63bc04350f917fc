// The lease, the snapshot of its holder, and the visits of auditors that instances tell each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/ledger/place_fixture.h"
#include "tollgate/base/recent_times.h"

namespace tollgate::ledger {
namespace {

class LeaseTest : public PlaceTest {
 protected:
  std::unique_ptr<LeaseStore> NewStore() {
    auto store = place_->MakeLeaseStore(loop_, nullptr);
    store->Start();
    return store;
  }
  // Asked until there is an answer: the books may not be there yet.
  LeaseView Acquire(LeaseStore& store, const std::string& token, int64_t ttl_ms = 5'000,
                    const std::vector<int64_t>& visits = {}) {
    std::optional<LeaseView> view;
    EXPECT_TRUE(Until([&] {
      bool done = false;
      store.Acquire(token, ttl_ms, visits, [&](const auto& answer) {
        view = answer;
        done = true;
      });
      return Until([&] { return done; }) && view.has_value();
    }));
    return view.value_or(LeaseView{});
  }
  bool Publish(LeaseStore& store, const std::string& token, const std::string& snapshot) {
    std::optional<bool> published;
    store.Publish(token, snapshot, [&](bool done) { published = done; });
    EXPECT_TRUE(Until([&] { return published.has_value(); }));
    return published.value_or(false);
  }
  std::vector<int64_t> Tell(LeaseStore& store, const std::vector<int64_t>& visits) {
    std::vector<int64_t> known = Acquire(store, "token", 5'000, visits).visits;
    std::sort(known.begin(), known.end());
    return known;
  }
  const int64_t now_ms_ = base::SystemClock().WallMillis();
};

TEST_P(LeaseTest, OneHoldsItUntilItIsReleasedOrRunsOut) {
  Use({});
  const auto a = NewStore();
  const auto b = NewStore();
  EXPECT_TRUE(Acquire(*a, "a").held);
  EXPECT_TRUE(Acquire(*a, "a").held) << "renewed";
  const LeaseView seen = Acquire(*b, "b");
  EXPECT_FALSE(seen.held);
  EXPECT_EQ(seen.holder, "a");
  EXPECT_EQ(seen.instances, 2U);
  EXPECT_FALSE(Publish(*b, "b", "from b"));
  EXPECT_TRUE(Publish(*a, "a", "from a"));
  EXPECT_EQ(Acquire(*b, "b").snapshot, "from a");
  bool released = false;
  a->Release("a", [&](bool done) { released = done; });
  ASSERT_TRUE(Until([&] { return released; }));
  const LeaseView taken = Acquire(*b, "b", 50);
  EXPECT_TRUE(taken.held);
  EXPECT_EQ(taken.instances, 1U);
  EXPECT_TRUE(Until([&] { return Acquire(*a, "a").held; })) << "it runs out by itself";
}

TEST_P(LeaseTest, AnotherInstanceHearsOfVisits) {
  Use({});
  const auto a = NewStore();
  const auto b = NewStore();
  EXPECT_TRUE(Tell(*b, {}).empty());
  Tell(*a, {now_ms_ - 2'000, now_ms_});
  EXPECT_EQ(Tell(*b, {now_ms_ - 1'000}),
            (std::vector<int64_t>{now_ms_ - 2'000, now_ms_ - 1'000, now_ms_}));
  EXPECT_EQ(Tell(*a, {now_ms_}).size(), 3U) << "told twice, known once";
  std::vector<int64_t> many;
  for (int i = 0; i < 100; ++i) many.push_back(now_ms_ - i);
  many.push_back(now_ms_ + 3'600'000);
  many.push_back(now_ms_ - 3'600'000);
  Tell(*b, many);
  const std::vector<int64_t> known = Tell(*a, {});
  EXPECT_LE(known.size(), base::RecentTimes::kCount);
  EXPECT_EQ(known.back(), now_ms_) << "a time far ahead is none";
}

TOLLGATE_IN_EACH_PLACE(LeaseTest);

}  // namespace
}  // namespace tollgate::ledger

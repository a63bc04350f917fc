#include "forward/owner_watch.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

using ledger::Holder;

constexpr int64_t kSecond = 1'000'000'000;

class OwnerWatchTest : public ::testing::Test {
 protected:
  OwnerLife Observe(uint64_t table, uint64_t number, int64_t ns,
                    Holder::Sign sign = Holder::Sign::kNumber) {
    return watch_.Observe({.table = {1, table}, .number = number, .sign = sign}, ns, &news_);
  }
  // Reads once a second until `until_s`.
  OwnerLife Read(uint64_t table, uint64_t number, int64_t from_s, int64_t until_s) {
    OwnerLife life = OwnerLife::kUnknown;
    for (int64_t s = from_s; s <= until_s; ++s) life = Observe(table, number, s * kSecond);
    return life;
  }
  OwnerWatch watch_{30 * kSecond};
  bool news_ = false;
};

TEST_F(OwnerWatchTest, WhoseNumberMovesIsAlive) {
  EXPECT_EQ(Observe(1, 5, 0), OwnerLife::kUnknown);
  EXPECT_EQ(Observe(1, 6, kSecond), OwnerLife::kAlive);
  EXPECT_EQ(Observe(1, 6, 2 * kSecond), OwnerLife::kAlive);
  EXPECT_EQ(Observe(1, 6, 3 * kSecond), OwnerLife::kUnknown) << "it may have died since";
}

TEST_F(OwnerWatchTest, WhoseNumberStaysForLongIsSilentAndThatIsNewsOnce) {
  EXPECT_EQ(Read(1, 5, 0, 29), OwnerLife::kUnknown);
  EXPECT_EQ(Read(1, 5, 30, 30), OwnerLife::kSilent);
  EXPECT_TRUE(news_);
  EXPECT_EQ(Read(1, 5, 31, 31), OwnerLife::kSilent);
  EXPECT_FALSE(news_);
  EXPECT_EQ(Observe(1, 6, 32 * kSecond), OwnerLife::kAlive) << "it has come back";
  EXPECT_EQ(Read(1, 6, 33, 62), OwnerLife::kSilent);
  EXPECT_TRUE(news_);
}

TEST_F(OwnerWatchTest, AGapBetweenReadsBeginsAnew) {
  Read(1, 5, 0, 20);
  EXPECT_EQ(Read(1, 5, 26, 40), OwnerLife::kUnknown) << "nobody looked for six seconds";
  EXPECT_EQ(Read(1, 5, 41, 56), OwnerLife::kSilent);
}

TEST_F(OwnerWatchTest, ANumberThatMovedInAGapSaysNothingOfNow) {
  Observe(1, 5, 0);
  EXPECT_EQ(Observe(1, 9, 600 * kSecond), OwnerLife::kUnknown);
}

TEST_F(OwnerWatchTest, WhoSaidThatItIsGoneIsNotWaitedFor) {
  EXPECT_EQ(Observe(1, 5, 0, Holder::Sign::kGone), OwnerLife::kSilent);
  EXPECT_TRUE(news_);
}

TEST_F(OwnerWatchTest, ALossOfTheBooksBeginsAnew) {
  Read(1, 5, 0, 29);
  watch_.Forget();
  EXPECT_EQ(Read(1, 5, 30, 40), OwnerLife::kUnknown);
}

TEST_F(OwnerWatchTest, ManyOwnersAreWatchedInABoundedPlace) {
  for (uint64_t table = 1; table <= 1000; ++table) {
    Observe(table, 1, static_cast<int64_t>(table));
  }
  EXPECT_EQ(Observe(1000, 2, 1001), OwnerLife::kAlive);
  EXPECT_EQ(Observe(1, 2, 1002), OwnerLife::kUnknown) << "long forgotten";
}

}  // namespace
}  // namespace tollgate::forward

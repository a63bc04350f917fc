#include "tollgate/base/recent_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace tollgate::base {
namespace {

constexpr int64_t kNowMs = 1'752'583'000'000;

std::vector<int64_t> Known(const RecentTimes& recent, int64_t now_ms) {
  RecentTimes::Times times;
  const auto known = recent.Read(times, now_ms);
  std::vector<int64_t> sorted(known.begin(), known.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

TEST(RecentTimes, KeepsTheLastOnes) {
  RecentTimes recent;
  for (int64_t i = 0; i < 40; ++i) recent.Note(kNowMs + i * 1'000, kNowMs + i * 1'000);
  const auto known = Known(recent, kNowMs + 40'000);
  ASSERT_EQ(known.size(), RecentTimes::kCount);
  EXPECT_EQ(known.front(), kNowMs + 8'000);
  recent.Note(kNowMs + 7'000, kNowMs + 40'000);
  EXPECT_EQ(Known(recent, kNowMs + 40'000), known) << "an old one takes no place";
}

TEST(RecentTimes, TheSameMomentCountsOnce) {
  RecentTimes recent;
  recent.Note(kNowMs, kNowMs);
  const uint64_t changes = recent.changes();
  for (const int64_t later : {0, 5, 10, -10}) recent.Note(kNowMs + later, kNowMs + 10);
  EXPECT_EQ(Known(recent, kNowMs), std::vector<int64_t>{kNowMs});
  EXPECT_EQ(recent.changes(), changes);
  recent.Note(kNowMs + 11, kNowMs + 11);
  EXPECT_GT(recent.changes(), changes);
}

TEST(RecentTimes, WhatIsNotRecentIsIgnored) {
  RecentTimes recent;
  for (const int64_t at : {INT64_MIN, int64_t{0}, kNowMs - RecentTimes::kOldMs,
                           kNowMs + RecentTimes::kAheadMs + 1, INT64_MAX}) {
    recent.Note(at, kNowMs);
  }
  EXPECT_TRUE(Known(recent, kNowMs).empty());
  EXPECT_EQ(recent.changes(), 0U);
}

TEST(RecentTimes, AClockThatIsSetBackLeavesRoomForWhatComes) {
  RecentTimes recent;
  constexpr int64_t kHoursMs = 7'200'000;
  for (int64_t i = 0; i < 40; ++i) recent.Note(kNowMs + i * 1'000, kNowMs + i * 1'000);
  const int64_t back_ms = kNowMs - kHoursMs;
  EXPECT_TRUE(Known(recent, back_ms).empty());
  for (int64_t i = 0; i < 40; ++i) recent.Note(back_ms + i * 1'000, back_ms + i * 1'000);
  EXPECT_EQ(Known(recent, back_ms + 40'000).size(), RecentTimes::kCount);
}

TEST(RecentTimes, SeveralThreadsMayNoteAtOnce) {
  RecentTimes recent;
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&recent, t] {
      for (int64_t i = 0; i < 8; ++i) recent.Note(kNowMs + (t * 8 + i) * 100, kNowMs + 4'000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto known = Known(recent, kNowMs + 4'000);
  EXPECT_GE(known.size(), 28U) << "a place may be lost to another thread, but hardly ever";
  for (const int64_t at : known) EXPECT_EQ(at % 100, kNowMs % 100);
}

}  // namespace
}  // namespace tollgate::base

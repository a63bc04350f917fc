#include "ledger/sum_tree.h"

#include <gtest/gtest.h>

#include <set>

#include "tollgate/base/random.h"

namespace tollgate::ledger {
namespace {

// The milliseconds that a part covers.
std::pair<int64_t, int64_t> Covered(const SumPart& part) {
  const int64_t width = int64_t{1} << (6 * part.level);
  int64_t base = 0;
  if (part.level < 5) base = std::stoll(part.key.substr(2)) * 64;
  return {(base + part.first) * width, (base + part.last + 1) * width - 1};
}

TEST(SumTree, ThePartsAreExactlyTheRange) {
  base::Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t from = 1'752'583'000'000 + static_cast<int64_t>(random.Below(1'000'000'000));
    const uint64_t length = uint64_t{1} << random.Below(40);
    const int64_t to = from + static_cast<int64_t>(random.Below(length));
    std::set<std::pair<int64_t, int64_t>> covered;
    for (const SumPart& part : PlanSum({.from_ms = from, .to_ms = to})) {
      ASSERT_LE(part.first, part.last);
      ASSERT_TRUE(part.level == 5 || part.last < 64);
      covered.insert(Covered(part));
    }
    ASSERT_LE(covered.size(), 11U);
    int64_t next = from;
    for (const auto& [first, last] : covered) {
      ASSERT_EQ(first, next) << from << " to " << to;
      next = last + 1;
    }
    ASSERT_EQ(next, to + 1) << from << " to " << to;
  }
}

TEST(SumTree, OpenEndsCoverAllTimeWithOneKey) {
  const auto parts = PlanSum({});
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].key, "5");
  EXPECT_TRUE(PlanSum({.from_ms = 5, .to_ms = 4}).empty());
}

TEST(SumTree, NothingLiesBefore1970NorBehindTheLastNode) {
  const int64_t year_0_ms = -62'167'219'200'000;
  const int64_t year_10000_ms = 253'402'300'800'000;
  EXPECT_TRUE(PlanSum({.from_ms = year_0_ms, .to_ms = -1}).empty());
  EXPECT_TRUE(PlanSum({.from_ms = INT64_MIN, .to_ms = INT64_MIN}).empty());
  EXPECT_TRUE(PlanSum({.from_ms = -1, .to_ms = year_0_ms}).empty());
  EXPECT_TRUE(PlanSum({.from_ms = year_10000_ms - 1, .to_ms = year_10000_ms}).empty());
  EXPECT_TRUE(PlanSum({.from_ms = INT64_MAX, .to_ms = INT64_MAX}).empty());
  for (const int64_t to_ms : {int64_t{0}, int64_t{63}, int64_t{5'000'000}, year_10000_ms}) {
    const auto whole = PlanSum({.from_ms = 0, .to_ms = to_ms});
    const auto before = PlanSum({.from_ms = year_0_ms, .to_ms = to_ms});
    ASSERT_EQ(before.size(), whole.size());
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(before[i].key, whole[i].key);
      EXPECT_EQ(before[i].first, whole[i].first);
      EXPECT_GE(before[i].first, 0);
      EXPECT_EQ(before[i].last, whole[i].last);
    }
  }
}

}  // namespace
}  // namespace tollgate::ledger

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

}  // namespace
}  // namespace tollgate::ledger

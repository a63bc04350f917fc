// The tree of sums, as reconcile reads and mends it.
#include "tollgate/ledger/sum_nodes.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/ledger/place_fixture.h"

namespace tollgate::ledger {
namespace {

constexpr int64_t kAtMs = 1'752'583'000'000;

class SumNodesTest : public PlaceTest {
 protected:
  void SetUp() override {
    Connect();
    nodes_ = place_->MakeSumNodes(loop_, directory_);
    nodes_->Start();
    ASSERT_TRUE(Until([&] { return nodes_->ready(); }));
    std::vector<RecordRequest> records;
    for (uint64_t i = 1; i <= 100; ++i) {
      records.push_back({.claim = Request(i, static_cast<uint32_t>(i))});
      records.back().claim.requested_at_ms = kAtMs + static_cast<int64_t>(i % 2);
    }
    ASSERT_EQ(Record(owner_, records).size(), records.size());
  }
  SumPage Read(const std::vector<SumFamily>& families) {
    std::optional<SumPage> page;
    bool answered = false;
    nodes_->Read(families, [&](auto answer) {
      page = std::move(answer);
      answered = true;
    });
    EXPECT_TRUE(Until([&] { return answered; }));
    EXPECT_TRUE(page.has_value());
    return page.value_or(SumPage{});
  }
  MendReply Mend(const MendRequest& request) {
    std::optional<MendReply> reply;
    nodes_->Mend(request, [&](auto answer) { reply = answer; });
    EXPECT_TRUE(Until([&] { return reply.has_value(); }));
    return reply.value_or(MendReply{});
  }

  std::unique_ptr<SumNodes> nodes_;
};

TEST_P(SumNodesTest, AFamilyIsTheSumOfItsChildrenAtEachLevel) {
  std::vector<SumFamily> families;
  for (int level = 0; level < kSumTop; ++level) {
    families.push_back({.level = level, .node = kAtMs >> (kSumBits * (level + 1))});
  }
  const SumPage page = Read(families);
  EXPECT_EQ(page.shelf, 1);
  EXPECT_FALSE(page.memory_began_ms.has_value());
  ASSERT_EQ(page.families.size(), families.size());
  const SumFigures all{.count = 100, .cents = 199'000};
  for (const SumFamilyPage& family : page.families) {
    SumFigures sum;
    for (const SumFigures& child : family.children.at(0)) {
      sum = {.count = sum.count + child.count, .cents = sum.cents + child.cents};
    }
    EXPECT_EQ(sum, all) << family.family.level;
    EXPECT_EQ(family.above.at(0), all) << family.family.level;
  }
  const SumFigures half{.count = 50, .cents = 99'500};
  EXPECT_EQ(page.families[0].children.at(0).at(kAtMs % 64), half);
}

TEST_P(SumNodesTest, AMendSetsMillisecondsAndWhatIsAboveThemIfTheyAreAsCompared) {
  const SumPage page = Read({{.level = 0, .node = kAtMs >> kSumBits}});
  std::vector<SumCell> cells{{.at_ms = kAtMs,
                              .was = {.count = 49, .cents = 99'500},
                              .is = {.count = 60, .cents = 119'400}}};
  MendRequest request{.epoch = page.epoch,
                      .shelf = page.shelf,
                      .mends = page.mends,
                      .processor = 0,
                      .range = {.from_ms = kAtMs - 5'000'000, .to_ms = kAtMs + 5'000'000},
                      .level = 2,
                      .node = kAtMs >> (2 * kSumBits),
                      .cells = cells};
  EXPECT_FALSE(Mend(request).mended) << "a payment was recorded meanwhile";
  cells[0].was.count = 50;
  const MendReply reply = Mend(request);
  EXPECT_TRUE(reply.mended);
  EXPECT_EQ(reply.mends, page.mends + 1);
  const auto books = NewBooks();
  EXPECT_EQ(Total(*books), 110);
  cells[0].was.count = 60;
  cells[0].was.cents = 119'400;
  EXPECT_FALSE(Mend(request).mended) << "another mend came in between";
  request.mends = reply.mends;
  request.shelf = 2;
  EXPECT_FALSE(Mend(request).mended) << "another shelf";
  request.shelf = 1;
  request.epoch = 7;
  EXPECT_FALSE(Mend(request).mended) << "another epoch";
  EXPECT_EQ(Total(*books), 110);
}

TOLLGATE_IN_EACH_PLACE(SumNodesTest);

}  // namespace
}  // namespace tollgate::ledger

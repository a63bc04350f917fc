// The stack through all small interleavings on a weak memory, and under threads.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tests/base/model/model.h"
#include "tollgate/base/index_stack.h"

namespace tollgate::base {
namespace {

using model::Bounds;
using model::Model;

class ModelLinks {
 public:
  explicit ModelLinks(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      links_.push_back(std::make_unique<model::Atomic<uint32_t>>(0U));
    }
  }
  uint32_t Load(size_t i) const { return links_[i]->load(std::memory_order_relaxed); }
  void Store(size_t i, uint32_t value) { links_[i]->store(value, std::memory_order_relaxed); }

 private:
  std::vector<std::unique_ptr<model::Atomic<uint32_t>>> links_;
};
using Stack = IndexStack<model::Atomic, ModelLinks>;

// Each thread takes two numbers and gives the first one back. So a head that was taken can come
// back while another thread works on it. A number's next owner sees what its last owner wrote.
bool TakeAndGiveBack(Model& m) {
  constexpr uint32_t kNumbers = 3;
  Stack stack(kNumbers);
  for (uint32_t i = kNumbers; i-- > 0;) stack.Push(i);
  std::vector<std::unique_ptr<model::Atomic<uint32_t>>> owners;
  for (uint32_t i = 0; i < kNumbers; ++i) {
    owners.push_back(std::make_unique<model::Atomic<uint32_t>>(0U));
  }
  bool alone = true;
  std::vector<std::vector<uint32_t>> kept(3);
  for (uint32_t thread = 0; thread < 2; ++thread) {
    m.AddThread([&, thread] {
      const auto take = [&] {
        const auto number = stack.TryPop();
        if (!number) return number;
        alone = alone && owners[*number]->load(std::memory_order_relaxed) == 0;
        owners[*number]->store(thread + 1, std::memory_order_relaxed);
        return number;
      };
      const auto first = take();
      const auto second = take();
      if (first) {
        owners[*first]->store(0, std::memory_order_relaxed);
        stack.Push(*first);
      }
      if (second) kept[thread].push_back(*second);
    });
  }
  m.Run();
  while (const auto number = stack.TryPop()) kept[2].push_back(*number);
  std::vector<uint32_t> all;
  for (const auto& numbers : kept) all.insert(all.end(), numbers.begin(), numbers.end());
  std::sort(all.begin(), all.end());
  return alone && all == std::vector<uint32_t>{0, 1, 2};
}

TEST(IndexStackModel, EveryNumberHasOneOwnerInEveryInterleaving) {
  for (const Bounds& bounds :
       {Bounds{.preemptions = 3, .oddities = 1}, Bounds{.preemptions = 2, .oddities = 2}}) {
    uint64_t executions = 0;
    EXPECT_TRUE(Model::Explore(bounds, [&](Model& m) {
      executions = m.executions();
      return TakeAndGiveBack(m);
    }));
    EXPECT_GT(executions, 1000U);
  }
}

TEST(IndexStackModel, FindsAStackWithoutReleaseOrAcquire) {
  EXPECT_FALSE(Model::Explore({.releases_are_relaxed = true}, TakeAndGiveBack));
  EXPECT_FALSE(Model::Explore({.acquires_are_relaxed = true}, TakeAndGiveBack));
}

TEST(IndexStackTest, TheLastThatWasPushedComesFirst) {
  IndexStack<> stack(5);
  EXPECT_FALSE(stack.TryPop());
  for (const uint32_t number : {4U, 0U, 2U, 1U}) stack.Push(number);
  EXPECT_EQ(stack.SizeApprox(), 4U);
  for (const uint32_t number : {1U, 2U, 0U, 4U}) EXPECT_EQ(stack.TryPop(), number);
  EXPECT_FALSE(stack.TryPop());
  EXPECT_EQ(stack.SizeApprox(), 0U);
}

TEST(IndexStackStress, NoNumberHasTwoOwnersAtOnce) {
  constexpr uint32_t kNumbers = 6;
  IndexStack<> stack(kNumbers);
  for (uint32_t i = 0; i < kNumbers; ++i) stack.Push(i);
  std::vector<std::atomic<int>> owned(kNumbers);
  std::atomic<int> twice{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        const auto number = stack.TryPop();
        if (!number) continue;
        if (owned[*number].fetch_add(1) != 0) twice.fetch_add(1);
        owned[*number].fetch_sub(1);
        stack.Push(*number);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(twice.load(), 0);
  EXPECT_EQ(stack.SizeApprox(), kNumbers);
}

}  // namespace
}  // namespace tollgate::base

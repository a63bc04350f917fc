#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tollgate/base/mpmc_ring.h"

namespace tollgate::base {
namespace {

// Small, so that it is full and empty all the time. Every value arrives once, and each consumer
// gets the values of one producer in their order.
TEST(MpmcRingStress, NothingIsLostDoubledOrOutOfOrder) {
  constexpr uint32_t kProducers = 2;
  constexpr uint32_t kConsumers = 2;
  constexpr uint32_t kEach = 50'000;
  MpmcRing<uint32_t> ring(8);
  std::vector<std::vector<uint32_t>> taken(kConsumers);
  std::atomic<uint32_t> left{kProducers * kEach};
  std::vector<std::thread> threads;
  for (uint32_t p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      for (uint32_t i = 0; i < kEach; ++i) {
        while (!ring.TryPush(p << 24U | i)) std::this_thread::yield();
      }
    });
  }
  for (uint32_t c = 0; c < kConsumers; ++c) {
    threads.emplace_back([&, c] {
      while (left.load() > 0) {
        const auto value = ring.TryPop();
        if (!value) {
          std::this_thread::yield();
          continue;
        }
        taken[c].push_back(*value);
        left.fetch_sub(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<int> seen(kProducers * kEach);
  for (const auto& values : taken) {
    std::vector<int64_t> last(kProducers, -1);
    for (const uint32_t value : values) {
      const uint32_t producer = value >> 24U;
      const uint32_t number = value & 0xFFFFFFU;
      ASSERT_GT(static_cast<int64_t>(number), last[producer]);
      last[producer] = number;
      ++seen[producer * kEach + number];
    }
  }
  for (const int count : seen) ASSERT_EQ(count, 1);
}

TEST(MpmcRing, FullAndEmptyAndTheConditionalPop) {
  MpmcRing<uint32_t> ring(4);
  EXPECT_FALSE(ring.TryPop());
  for (uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(ring.TryPush(i));
  EXPECT_FALSE(ring.TryPush(9));
  EXPECT_EQ(ring.SizeApprox(), 4U);
  EXPECT_FALSE(ring.TryPopIf([](uint32_t value) { return value != 0; }));
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(ring.TryPop(), i);
  EXPECT_FALSE(ring.TryPop());
}

}  // namespace
}  // namespace tollgate::base

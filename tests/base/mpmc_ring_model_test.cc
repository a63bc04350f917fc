// The ring and the sleep protocol through all small interleavings on a weak memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/base/model/model.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/base/sleep_flag.h"

namespace tollgate::base {
namespace {

using model::Bounds;
using model::Model;
using Ring = MpmcRing<uint32_t, model::Atomic>;

struct Scenario {
  size_t capacity = 2;
  uint32_t producers = 2;
  uint32_t pushes = 1;  // by each producer
  uint32_t consumers = 1;
  uint32_t pops = 1;  // tried by each consumer
};

// The result of a run: the values pushed with success and the values popped, each thread's in its
// order.
struct Outcome {
  std::vector<std::vector<uint32_t>> pushed;
  std::vector<std::vector<uint32_t>> popped;  // the last one: what was left in the ring
};

bool InOrder(const Outcome& outcome) {
  for (const auto& popped : outcome.popped) {
    for (size_t i = 0; i < popped.size(); ++i) {
      for (size_t j = i + 1; j < popped.size(); ++j) {
        // A value encodes its producer and its number there.
        if (popped[i] / 100 == popped[j] / 100 && popped[i] > popped[j]) return false;
      }
    }
  }
  return true;
}

std::vector<uint32_t> Sorted(const std::vector<std::vector<uint32_t>>& lists) {
  std::vector<uint32_t> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  std::sort(all.begin(), all.end());
  return all;
}

bool Holds(const Scenario& scenario, const Outcome& outcome) {
  const auto pushed = Sorted(outcome.pushed);
  // Every value comes out once, and nothing else does; FIFO per producer; room is used.
  if (pushed != Sorted(outcome.popped) || !InOrder(outcome)) return false;
  const size_t offered = size_t{scenario.producers} * scenario.pushes;
  return pushed.size() >= std::min(offered, scenario.capacity);
}

bool RunOnce(Model& m, const Scenario& scenario) {
  Ring ring(scenario.capacity);
  Outcome outcome{std::vector<std::vector<uint32_t>>(scenario.producers),
                  std::vector<std::vector<uint32_t>>(scenario.consumers + 1)};
  for (uint32_t p = 0; p < scenario.producers; ++p) {
    m.AddThread([&, p] {
      for (uint32_t i = 0; i < scenario.pushes; ++i) {
        const uint32_t value = (p + 1) * 100 + i;
        if (ring.TryPush(value)) outcome.pushed[p].push_back(value);
      }
    });
  }
  for (uint32_t c = 0; c < scenario.consumers; ++c) {
    m.AddThread([&, c] {
      for (uint32_t i = 0; i < scenario.pops; ++i) {
        if (const auto value = ring.TryPop()) outcome.popped[c].push_back(*value);
      }
    });
  }
  m.Run();
  while (const auto value = ring.TryPop()) outcome.popped.back().push_back(*value);
  return Holds(scenario, outcome);
}

bool Check(const Scenario& scenario, const Bounds& bounds, uint64_t& executions) {
  return Model::Explore(bounds, [&](Model& m) {
    executions = m.executions();
    return RunOnce(m, scenario);
  });
}

TEST(MpmcRingModel, EveryInterleavingOfSmallCases) {
  const Scenario scenarios[] = {
      {.producers = 2, .pushes = 1, .consumers = 1, .pops = 2},
      {.producers = 1, .pushes = 2, .consumers = 2, .pops = 1},
      {.producers = 2, .pushes = 2, .consumers = 1, .pops = 2},  // full, and the second lap
      {.producers = 1, .pushes = 4, .consumers = 1, .pops = 4},
      {.producers = 2, .pushes = 1, .consumers = 2, .pops = 1},
  };
  for (size_t i = 0; i < std::size(scenarios); ++i) {
    uint64_t executions = 0;
    for (const Bounds& bounds :
         {Bounds{.preemptions = 3, .oddities = 1}, Bounds{.preemptions = 2, .oddities = 2}}) {
      EXPECT_TRUE(Check(scenarios[i], bounds, executions)) << "scenario " << i;
      EXPECT_GT(executions, 1000U);
    }
  }
}

TEST(MpmcRingModel, FindsARingWithoutReleaseOrAcquire) {
  const Scenario scenario{.producers = 2, .pushes = 2, .consumers = 1, .pops = 2};
  uint64_t executions = 0;
  EXPECT_FALSE(Check(scenario, {.releases_are_relaxed = true}, executions));
  EXPECT_FALSE(Check(scenario, {.acquires_are_relaxed = true}, executions));
}

// Two producers, and one consumer that goes to sleep: no value is left while it sleeps.
bool SleepOnce(Model& m) {
  Ring ring(2);
  SleepFlag<model::Memory> flag;
  bool slept = false;
  int wakes = 0;
  for (uint32_t p = 0; p < 2; ++p) {
    m.AddThread([&, p] {
      if (!ring.TryPush(p)) return;
      SleepFlag<model::Memory>::FenceAfterPush();
      if (flag.TryWake(true)) ++wakes;
    });
  }
  m.AddThread([&] {
    (void)ring.TryPop();
    flag.Announce(true);
    slept = ring.SizeApprox() == 0;
    if (!slept) flag.Retract();
  });
  m.Run();
  const bool sleeps_on = slept && wakes == 0;
  return !(sleeps_on && ring.SizeApprox() > 0);
}

TEST(SleepFlagModel, NoWakeUpIsLost) {
  EXPECT_TRUE(Model::Explore({}, SleepOnce));
  EXPECT_FALSE(Model::Explore({.no_fences = true}, SleepOnce));
}

TEST(Model, KnowsTheClassicLitmusTests) {
  // Store buffering: both threads may read the old value unless there are fences in between.
  const auto store_buffering = [](Model& m) {
    model::Atomic<int> x{0}, y{0};
    int a = -1, b = -1;
    m.AddThread([&] {
      x.store(1, std::memory_order_relaxed);
      m.FenceSeqCst();
      a = y.load(std::memory_order_relaxed);
    });
    m.AddThread([&] {
      y.store(1, std::memory_order_relaxed);
      m.FenceSeqCst();
      b = x.load(std::memory_order_relaxed);
    });
    m.Run();
    return a + b > 0;
  };
  EXPECT_TRUE(Model::Explore({}, store_buffering));
  EXPECT_FALSE(Model::Explore({.no_fences = true}, store_buffering));
  // Message passing: a flag that was stored with release shows what was written before it.
  const auto message_passing = [](Model& m) {
    model::Atomic<int> data{0}, flag{0};
    int seen = -1;
    m.AddThread([&] {
      data.store(1, std::memory_order_relaxed);
      flag.store(1, std::memory_order_release);
    });
    m.AddThread([&] {
      if (flag.load(std::memory_order_acquire) == 1) seen = data.load(std::memory_order_relaxed);
    });
    m.Run();
    return seen != 0;
  };
  EXPECT_TRUE(Model::Explore({}, message_passing));
  EXPECT_FALSE(Model::Explore({.releases_are_relaxed = true}, message_passing));
}

}  // namespace
}  // namespace tollgate::base

// Several sleepers of one queue through all small interleavings on a weak memory.
#include <gtest/gtest.h>

#include <array>

#include "tests/base/model/model.h"
#include "tollgate/base/sleep_flag.h"

namespace tollgate::base {
namespace {

using model::Bounds;
using model::Model;
using Flag = SleepFlag<model::Memory>;

// A count of items without any order of its own: only the fences order what is seen.
class Queue {
 public:
  void Push() {
    int seen = size();
    while (!count_.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
    }
  }
  bool TryPop() {
    int seen = size();
    while (seen > 0) {
      if (count_.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  int size() const { return count_.load(std::memory_order_relaxed); }

 private:
  model::Atomic<int> count_{0};
};

struct Sleeper {
  Flag flag;
  int places = 0;  // what it could take
};

struct Scenario {
  int items = 1;
  std::array<int, 2> places;
  bool first_loses_its_places = false;  // when it is woken by something else
  // Every sleeper is announced as able, and none passes a wake-up on: the rule for one consumer,
  // used with several.
  bool as_for_one = false;
};

class Consumers {
 public:
  explicit Consumers(const Scenario& scenario) : scenario_(scenario) {
    for (size_t i = 0; i < sleepers_.size(); ++i) sleepers_[i].places = scenario.places[i];
  }

  void Produce() {
    queue_.Push();
    Flag::FenceAfterPush();
    (void)ChooseSleeper(sleepers_, FlagOf);
  }

  void Consume(size_t index) {
    Sleeper& it = sleepers_[index];
    TurnUntilAsleep(it);
    if (index != 0 || !scenario_.first_loses_its_places) return;
    it.flag.Retract();
    it.places = 0;
    TurnUntilAsleep(it);
  }

  // Lets the woken sleepers run; false: they never stop waking each other.
  bool Settle() {
    for (int round = 0; round < 8; ++round) {
      bool any = false;
      for (Sleeper& it : sleepers_) {
        if (!it.flag.waking()) continue;
        any = true;
        it.flag.Retract();
        TurnUntilAsleep(it);
      }
      if (!any) return true;
    }
    return false;
  }

  bool NothingIsLeftToOneThatCouldTakeIt() const {
    return queue_.size() == 0 || sleepers_[0].places + sleepers_[1].places == 0;
  }

 private:
  static Flag& FlagOf(Sleeper& it) { return it.flag; }

  void TurnUntilAsleep(Sleeper& it) {
    for (;;) {
      while (it.places > 0 && queue_.TryPop()) --it.places;
      const bool able = it.places > 0;
      it.flag.Announce(able || scenario_.as_for_one);
      const bool has = queue_.size() > 0;
      if (!has || !able) {
        if (has && !scenario_.as_for_one) (void)ChooseAble(sleepers_, FlagOf);
        return;
      }
      it.flag.Retract();
    }
  }

  const Scenario scenario_;
  Queue queue_;
  std::array<Sleeper, 2> sleepers_;
};

constexpr Bounds kBounds{.preemptions = 2, .oddities = 1};

bool Holds(const Scenario& scenario, const Bounds& bounds = kBounds) {
  return Model::Explore(bounds, [&](Model& m) {
    Consumers consumers(scenario);
    m.AddThread([&] {
      for (int i = 0; i < scenario.items; ++i) consumers.Produce();
    });
    for (size_t i = 0; i < 2; ++i) m.AddThread([&, i] { consumers.Consume(i); });
    m.Run();
    return consumers.Settle() && consumers.NothingIsLeftToOneThatCouldTakeIt();
  });
}

const std::array kScenarios{
    Scenario{.places = {0, 1}},                                 // the first cannot take
    Scenario{.items = 2, .places = {1, 1}},                     // nor all of it
    Scenario{.places = {1, 1}, .first_loses_its_places = true}  // nor any more
};

TEST(SleepersModel, NothingIsLeftInTheQueueWhileOneSleepsThatCouldTakeIt) {
  for (const Scenario& scenario : kScenarios) {
    EXPECT_TRUE(Holds(scenario)) << scenario.places[0];
    EXPECT_FALSE(Holds(scenario, {.preemptions = 2, .oddities = 1, .no_fences = true}))
        << scenario.places[0];
  }
}

TEST(SleepersModel, TheRuleForOneSleeperLosesWakeUpsOfSeveral) {
  for (Scenario scenario : kScenarios) {
    scenario.as_for_one = true;
    EXPECT_FALSE(Holds(scenario)) << scenario.places[0];
  }
}

}  // namespace
}  // namespace tollgate::base

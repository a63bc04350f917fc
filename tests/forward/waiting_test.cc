// Payments that wait for a processor to come back cost nothing while they wait.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

class Waiting : public OneForwarder {
 protected:
  // As in the daemon: a turn when something arrives or when the forwarder asked for one. Returns
  // the number of turns.
  size_t TurnWhenDue(int64_t ms) {
    const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
    size_t turns = 0;
    while (timeline_.now_ns() < end_ns) {
      forwarder_->Pump();
      ++turns;
      const int64_t next_ns = forwarder_->NextDeadlineNs();
      if (next_ns <= timeline_.now_ns()) {
        ADD_FAILURE() << "it wants to turn again at once, for nothing";
        return turns;
      }
      timeline_.RunNext(std::min(next_ns, end_ns));
    }
    return turns;
  }
  void SetHealth(bool failing, uint32_t min_response_ms) {
    for (size_t i = 0; i < processors_.size(); ++i) {
      processors_[i].failing = failing;
      processors_[i].delay_us = int64_t{min_response_ms} * 1000;
      health_.Publish(static_cast<payments::ProcessorId>(i),
                      {.known = true, .failing = failing, .min_response_ms = min_response_ms});
    }
  }
};

// Probes that an audit forbids are declined each time they are due.
TEST_F(Waiting, CostsNothingWhileProbesAreDeclined) {
  options_.policy.audit_lag_ms = 1'500;
  Open();
  SetHealth(true, 2'000);
  Post(20);
  EXPECT_LT(TurnWhenDue(30'000), 2'000U);
  EXPECT_EQ(booked(), 0U);
  SetHealth(false, 1);
  TurnWhenDue(1'000);
  EXPECT_EQ(booked(), 20U);
}

TEST_F(Waiting, CostsLittleWhileProbesFail) {
  Open();
  SetHealth(true, 1);
  Post(20);
  EXPECT_LT(TurnWhenDue(30'000), 2'000U);
  SetHealth(false, 1);
  TurnWhenDue(1'000);
  EXPECT_EQ(booked(), 20U);
}

}  // namespace
}  // namespace tollgate::simulation

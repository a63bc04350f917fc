// Payments that come alone while the cheaper processor fails and the dearer one works: each is
// booked as soon as it has waited for the longest wait.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

struct Row {
  const char* name;
  int64_t max_wait_ms;
  int64_t audit_lag_ms;
  bool reported;           // its health reports failing
  int64_t fallback_us;     // the time that the dearer one takes
  int64_t takes_ms_more;   // beyond the longest wait
  uint64_t attempts_most;  // per payment
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class LonePayment : public OneForwarder, public ::testing::WithParamInterface<Row> {
 protected:
  void SetUp() override {
    options_.policy.wait_for_cheaper_ms_max = GetParam().max_wait_ms;
    options_.policy.audit_lag_ms = GetParam().audit_lag_ms;
    Open();
    processors_[0].failing = true;
    processors_[1].delay_us = GetParam().fallback_us;
    Publish(GetParam().reported);
  }
  void Publish(bool failing) {
    health_.Publish(0, {.known = GetParam().reported, .failing = failing, .min_response_ms = 0});
    const auto fallback_ms = static_cast<uint32_t>(GetParam().fallback_us / 1000);
    health_.Publish(1, {.known = true, .failing = false, .min_response_ms = fallback_ms});
  }
};

TEST_P(LonePayment, IsBookedOnceItHasWaitedForAsLongAsItMay) {
  const int64_t within_ms = GetParam().max_wait_ms + GetParam().takes_ms_more;
  for (uint64_t i = 1; i <= 3; ++i) {
    Post(1);
    Turn(within_ms);
    EXPECT_EQ(booked(), i) << "the " << i << ". payment, after " << within_ms << " ms";
  }
  EXPECT_LE(metrics_.retries.value(), 3 * GetParam().attempts_most);
}

INSTANTIATE_TEST_SUITE_P(
    Of, LonePayment,
    ::testing::Values(Row{"NoWaiting", 0, 0, false, 1'000, 1'500, 6},
                      Row{"TwoSeconds", 2'000, 0, false, 1'000, 1'500, 6},
                      Row{"AsShipped", 20'000, 1'500, false, 1'000, 1'500, 6},
                      Row{"AsShippedAndHealthSaysFailing", 20'000, 1'500, true, 1'000, 1'500, 6},
                      Row{"TheOtherOneIsSentBursts", 2'000, 1'500, false, 1'800'000, 4'500, 8}),
    [](const auto& row) { return row.param.name; });

// Payments that have been the probe only wait. The next payment finds the processor back, for all.
TEST_F(OneForwarder, WhoComesLaterIsTheTrialForThoseThatWait) {
  Open();
  processors_[0].failing = true;
  for (int i = 0; i < 5; ++i) {
    Post(1);
    Turn(2'000);
  }
  EXPECT_EQ(booked(), 0U) << "they wait for the cheaper one";
  processors_[0].failing = false;
  Turn(1'000);
  EXPECT_EQ(booked(), 0U) << "each has been the probe, and nobody says that it is back";
  Post(1);
  Turn(1'000);
  EXPECT_EQ(processors_[0].entries().size(), 6U);
}

// A wall clock that steps back makes no payment wait longer.
TEST_F(OneForwarder, TheLongestWaitIsMeasuredByTheMonotonicClock) {
  options_.policy.wait_for_cheaper_ms_max = 2'000;
  Open();
  processors_[0].failing = true;
  Post(1);
  Turn(500);
  timeline_.clock().StepWallMillis(-3'600'000);
  Turn(3'000);
  EXPECT_EQ(booked(), 1U);
}

}  // namespace
}  // namespace tollgate::simulation

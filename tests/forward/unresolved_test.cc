// Payments of unknown outcome are visible: they are counted, aged and reported after a minute. They
// are capped per processor, so that one that hangs cannot fill the table.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

class Unresolved : public OneForwarder {
 protected:
  static constexpr uint32_t kInFlightMax = 4;
  static constexpr size_t kUnresolvedMax = 5;

  Unresolved() {
    for (auto& processor : options_.processors) processor.in_flight_max = kInFlightMax;
    options_.unresolved_max = kUnresolvedMax;
    options_.breaker_failures = 1'000'000;  // only the cap may stop a processor
    client_.SetFaults({.lost_request = 1});
    Open();
  }
  uint64_t UnresolvedAt(size_t processor) const {
    return static_cast<uint64_t>(metrics_.processors[processor].unresolved.value());
  }
};

TEST_F(Unresolved, AreCountedAgedAndToldOfAfterAMinute) {
  Post(2);
  Turn(30'000);
  EXPECT_EQ(UnresolvedAt(0), 2U);
  EXPECT_NEAR(static_cast<double>(metrics_.unresolved_oldest_ms.value()), 30'000, 1'000);
  EXPECT_TRUE(told_.empty()) << told_.front();
  Turn(32'000);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_[0].starts_with("2 payments have an unknown outcome, the oldest for 60 s: "))
      << told_[0];
  EXPECT_NE(told_[0].find(" at default, attempt 1"), std::string::npos) << told_[0];
  Turn(120'000);
  EXPECT_EQ(told_.size(), 3U) << "once a minute";
  client_.SetFaults({});
  Turn(10'000);
  EXPECT_EQ(UnresolvedAt(0), 0U);
  EXPECT_EQ(metrics_.unresolved_oldest_ms.value(), 0);
  EXPECT_EQ(booked(), 2U);
}

TEST_F(Unresolved, AreCappedPerProcessorAndTheRestWaitsInTheRing) {
  Post(50);
  Turn(20'000);
  for (size_t processor = 0; processor < 2; ++processor) {
    EXPECT_GE(UnresolvedAt(processor), kUnresolvedMax);
    // Payments in flight when the cap was reached may be added.
    EXPECT_LT(UnresolvedAt(processor), kUnresolvedMax + kInFlightMax);
  }
  EXPECT_EQ(ring_.SizeApprox() + forwarder_->held(), 50U);
  EXPECT_LE(forwarder_->held(), 2 * (kUnresolvedMax + kInFlightMax));
  client_.SetFaults({});
  Turn(20'000);
  EXPECT_EQ(booked(), 50U);
  EXPECT_EQ(forwarder_->held() + ring_.SizeApprox(), 0U);
}

}  // namespace
}  // namespace tollgate::simulation

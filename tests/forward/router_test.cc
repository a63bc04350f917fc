// What the router adds to the policy: shares of the fleet's limits, places, and the wait.
#include "forward/router.h"

#include <gtest/gtest.h>

namespace tollgate::forward {
namespace {

constexpr int64_t kNowNs = 1'000 * base::kNanosPerSecond;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    options_.processors = {{.name = "default", .url = "", .fee_ppm = 50'000},
                           {.name = "fallback", .url = "", .fee_ppm = 150'000}};
    for (auto& processor : options_.processors) processor.in_flight_max = 100;
    options_.forwarders = 3;
    options_.fleet_in_flight_max = 100;
  }
  Router Make() const { return {options_, health_, clock_}; }
  void Fail(Router& router, payments::ProcessorId id) const {
    for (uint32_t i = 0; i < options_.breaker_failures; ++i) router.State(id).OnFailure(0, kNowNs);
  }

  ForwarderOptions options_;
  upstream::HealthBoard health_;
  base::ManualClock clock_;
};

TEST_F(RouterTest, SharesAProcessorsLimitAmongForwardersAndInstances) {
  Router first = Make();
  options_.index = 1;
  const Router second = Make();
  EXPECT_EQ(first.State(0).cap(), 34U) << "the remainder goes to the first";
  EXPECT_EQ(second.State(0).cap(), 33U);
  health_.PublishInstances(4);
  options_.index = 0;
  first.ReadHealth(kNowNs);
  EXPECT_EQ(first.State(0).cap(), 9U);
}

TEST_F(RouterTest, SaysWhoseBreakerTheHealthHasOpened) {
  Router router = Make();
  EXPECT_TRUE(router.ReadHealth(kNowNs).none());
  health_.Publish(1, {.known = true, .failing = true});
  EXPECT_EQ(router.ReadHealth(kNowNs).to_ulong(), 0b10U);
  EXPECT_TRUE(router.ReadHealth(kNowNs).none()) << "no news";
  health_.Publish(1, {.known = true, .failing = false});
  EXPECT_EQ(router.ReadHealth(kNowNs).to_ulong(), 0b10U);
}

TEST_F(RouterTest, APlaceThatIsTakenIsMissingUntilItIsGivenBack) {
  options_.processors[0].in_flight_max = options_.processors[1].in_flight_max = 1;
  Router router = Make();
  EXPECT_TRUE(router.AnyEligible(kNowNs));
  router.Take(0, kNowNs);
  EXPECT_TRUE(router.TryTakeForRecheck(1));
  EXPECT_FALSE(router.TryTakeForRecheck(1));
  EXPECT_FALSE(router.AnyEligible(kNowNs));
  router.GiveBack(1, true);
  EXPECT_TRUE(router.AnyEligible(kNowNs));
}

TEST_F(RouterTest, FewRechecksAreUnderWayAtAnOpenBreaker) {
  Router router = Make();
  Fail(router, 0);
  uint32_t taken = 0;
  while (router.TryTakeForRecheck(0)) ++taken;
  EXPECT_EQ(taken, 8U);
  EXPECT_FALSE(router.TryTakeForRecheck(0));
  router.GiveBack(0, true);
  EXPECT_TRUE(router.TryTakeForRecheck(0));
}

TEST_F(RouterTest, SaysUntilWhenThePolicyLetsAPaymentWait) {
  options_.choose = [](std::span<const ProcessorView>, const Moment& moment, const PolicyOptions&) {
    return Choice{.wait_until_ms = moment.now_ms + moment.age_ms};
  };
  Router router = Make();
  EXPECT_EQ(router.Route({.age_ms = 9}, kNowNs).processor, payments::kNoProcessor);
  EXPECT_EQ(router.Route({.age_ms = 5}, kNowNs).processor, payments::kNoProcessor);
  EXPECT_EQ(router.wait_until_ns(), kNowNs + 5 * base::kNanosPerMilli);
  router.ForgetWait();
  EXPECT_EQ(router.wait_until_ns(), INT64_MAX);
}

TEST_F(RouterTest, KnowsWhenTheNextProbeIsDue) {
  Router router = Make();
  EXPECT_EQ(router.NextProbeNs(kNowNs), INT64_MAX);
  Fail(router, 1);
  EXPECT_EQ(router.NextProbeNs(kNowNs), kNowNs + options_.probe_interval_ms * base::kNanosPerMilli);
  EXPECT_EQ(router.NextProbeNs(kNowNs + base::kNanosPerSecond), INT64_MAX) << "it is due";
}

}  // namespace
}  // namespace tollgate::forward

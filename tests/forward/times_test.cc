// Times from outside: a wrong wall clock, and the requestedAt that a processor reports. No such
// time stops a forwarder, and a time that cannot be stored is neither sent nor booked.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr int64_t k1970Ms = 1'000'000;
constexpr int64_t k2060Ms = 2'840'140'800'000;

class Times : public OneForwarder {
 protected:
  int64_t now_ms() { return timeline_.clock().WallMillis(); }
  void SetClock(int64_t wall_ms) { timeline_.clock().StepWallMillis(wall_ms - now_ms()); }
  int64_t BookedAt(uint64_t id) const {
    const auto it = ledger_.state().entries.find({1, id});
    return it == ledger_.state().entries.end() ? 0 : it->second.requested_at_ms;
  }
  // The cheap processor has the next payment already, with this requestedAt.
  void HoldNext(int64_t requested_at_ms) {
    processors_[0].Book({.id = {1, posted_ + 1}, .amount_cents = 100}, requested_at_ms);
  }
  size_t Charged() const {
    return processors_[0].entries().size() + processors_[1].entries().size();
  }
};

TEST_F(Times, AClockThatIsWrongSendsNothingAndIsToldOfOnceUntilItIsSetRight) {
  const int64_t right_ms = now_ms();
  for (const int64_t wrong_ms : {k1970Ms, k2060Ms, int64_t{-5}}) {
    SetClock(wrong_ms);
    if (!forwarder_) Open();
    told_.clear();
    const uint64_t before = posted_;
    Post(10);
    Turn(30'000);
    EXPECT_EQ(Charged(), before);
    ASSERT_EQ(told_.size(), 1U);
    EXPECT_NE(told_[0].find("nothing new is sent until the clock is set right"), std::string::npos);
    SetClock(right_ms);
    Turn(5'000);
    EXPECT_EQ(Charged(), before + 10) << "they waited for the clock alone";
    EXPECT_EQ(booked(), Charged());
    for (uint64_t id = before + 1; id <= posted_; ++id) {
      EXPECT_NEAR(static_cast<double>(BookedAt(id)), static_cast<double>(right_ms), 60'000);
    }
  }
}

TEST_F(Times, APaymentThatWasSentGoesOnUnderAClockThatIsWrong) {
  Open();
  client_.SetFaults({.lost_answer = 1});
  Post(1);
  Turn(20);
  EXPECT_EQ(booked(), 0U);
  const int64_t sent_ms = processors_[0].entries().begin()->second.requested_at_ms;
  client_.SetFaults({});
  SetClock(k1970Ms);
  Turn(10'000);
  EXPECT_EQ(BookedAt(1), sent_ms);
}

TEST_F(Times, ABookingOfAnotherGatewayWithinTheHorizonIsTaken) {
  Open();
  const int64_t start_ms = now_ms();
  for (const int64_t ago_ms :
       {int64_t{0}, kDayMs, options_.dedup_window_ms + kDayMs, -kDayMs, -2 * kDayMs + 60'000}) {
    HoldNext(start_ms - ago_ms);
    Post(1);
    Turn(2'000);
    EXPECT_EQ(BookedAt(posted_), start_ms - ago_ms) << ago_ms;
  }
  EXPECT_TRUE(told_.empty()) << told_.front();
}

TEST_F(Times, AnAnswerWithATimeThatNoGatewayCanHaveSentLeavesThePaymentWhereItIs) {
  Open();
  const int64_t start_ms = now_ms();
  size_t reported = 0;
  for (const int64_t at_ms : {k2060Ms, k1970Ms, int64_t{253'402'300'799'999}, int64_t{-1},
                              start_ms - 5 * kDayMs, start_ms + 3 * kDayMs}) {
    HoldNext(at_ms);
    Post(1);
    Turn(6'000);
    EXPECT_EQ(BookedAt(posted_), 0) << at_ms;
    ASSERT_EQ(told_.size(), ++reported) << "once per payment, however often it is asked about";
    EXPECT_NE(told_.back().find("which no gateway can have sent"), std::string::npos)
        << told_.back();
  }
  EXPECT_EQ(metrics_.processors[0].unresolved.value(), static_cast<int64_t>(reported));
  EXPECT_EQ(processors_[1].entries().size(), 0U) << "nothing went to the other processor";
  // Other payments go on.
  Post(1);
  Turn(2'000);
  EXPECT_NE(BookedAt(posted_), 0);
}

// Another sender's payment is a conflict at any time.
TEST_F(Times, AnotherAmountIsAConflictWhateverItsTime) {
  Open();
  processors_[0].Book({.id = {1, 1}, .amount_cents = 555}, k1970Ms);
  Post(1);
  Turn(2'000);
  ASSERT_EQ(booked(), 1U);
  EXPECT_TRUE(ledger_.state().entries.begin()->second.rejected);
}

// Until the clock is right, waiting for a cheaper processor would never end.
TEST_F(Times, APaymentAcceptedUnderAClockOfTheFutureWaitsNoLongerThanAnother) {
  const int64_t right_ms = now_ms();
  Open();
  SetClock(right_ms + 10 * 365 * kDayMs);
  Post(1);
  SetClock(right_ms);
  health_.Publish(0, {.known = true, .failing = true});
  Turn(60'000);
  EXPECT_EQ(booked(), 1U);
}

}  // namespace
}  // namespace tollgate::simulation

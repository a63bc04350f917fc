// Payments of unknown outcome are seen: counted, aged, told of after a minute, and capped per
// processor, so that one that hangs cannot fill the table.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/forward/ledger_model.h"
#include "tests/forward/processor_model.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::simulation {
namespace {

class Unresolved : public ::testing::Test {
 protected:
  static constexpr uint32_t kInFlightMax = 4;
  static constexpr size_t kUnresolvedMax = 5;

  Unresolved() {
    table_ =
        std::move(table::PaymentTable::Open({.durability = table::Durability::kMemory, .slots = 64},
                                            directory_, timeline_.now_ns()))
            .value();
    forward::ForwarderOptions options;
    options.processors = {{.name = "default", .url = "", .fee_ppm = 50'000},
                          {.name = "fallback", .url = "", .fee_ppm = 150'000}};
    for (auto& processor : options.processors) processor.in_flight_max = kInFlightMax;
    options.unresolved_max = kUnresolvedMax;
    options.breaker_failures = 1'000'000;  // the cap alone is to close a processor
    options.tell = [this](bool problem, std::string_view text) {
      if (problem) told_.emplace_back(text);
    };
    forwarder_ =
        std::make_unique<forward::Forwarder>(options, directory_, *table_, ring_, session_, client_,
                                             health_, timeline_.clock(), metrics_);
    session_.Connect();
  }

  void Post(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const payments::Payment payment{.id = {1, ++posted_}, .amount_cents = 100};
      const auto slot =
          table_->Acquire(payment, timeline_.clock().WallMillis(), timeline_.now_ns());
      ASSERT_TRUE(slot);
      ASSERT_TRUE(ring_.TryPush(*slot));
    }
  }
  void Turn(int64_t ms) {
    const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
    while (timeline_.now_ns() < end_ns) {
      const int64_t next_ns = timeline_.now_ns() + base::kNanosPerMilli;
      while (timeline_.RunNext(next_ns)) {
      }
      forwarder_->Pump();
    }
  }
  uint64_t UnresolvedAt(size_t processor) const {
    return static_cast<uint64_t>(metrics_.processors[processor].unresolved.value());
  }

  Timeline timeline_{1};
  LedgerModel ledger_{timeline_.clock()};
  Processors processors_;
  upstream::HealthBoard health_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  LedgerSession session_{timeline_, ledger_, {}, std::nullopt};
  ClientModel client_{timeline_, processors_, {.lost_request = 1}};
  metrics::ForwardMetrics metrics_;
  forward::WorkRing ring_{64};
  std::unique_ptr<table::PaymentTable> table_;
  std::unique_ptr<forward::Forwarder> forwarder_;
  std::vector<std::string> told_;
  uint64_t posted_ = 0;
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
  EXPECT_EQ(ledger_.state().entries.size(), 2U);
}

TEST_F(Unresolved, AreCappedPerProcessorAndTheRestWaitsInTheRing) {
  Post(50);
  Turn(20'000);
  for (size_t processor = 0; processor < 2; ++processor) {
    EXPECT_GE(UnresolvedAt(processor), kUnresolvedMax);
    // What was under way when the cap was reached may come on top.
    EXPECT_LT(UnresolvedAt(processor), kUnresolvedMax + kInFlightMax);
  }
  EXPECT_EQ(ring_.SizeApprox() + forwarder_->held(), 50U);
  EXPECT_LE(forwarder_->held(), 2 * (kUnresolvedMax + kInFlightMax));
  client_.SetFaults({});
  Turn(20'000);
  EXPECT_EQ(ledger_.state().entries.size(), 50U);
  EXPECT_EQ(forwarder_->held() + ring_.SizeApprox(), 0U);
}

}  // namespace
}  // namespace tollgate::simulation

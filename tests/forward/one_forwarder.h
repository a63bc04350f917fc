// OneForwarder: a forwarder for a test, with a table, a ring, LedgerModel and two processor models,
// on a timeline that the test advances.
//
// Thread: one test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/forward/ledger_session.h"
#include "tests/forward/processor_model.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/forward/table_memory.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::simulation {

class OneForwarder : public ::testing::Test {
 protected:
  OneForwarder() {
    options_.processors = {{.name = "default", .url = "", .fee_ppm = 50'000},
                           {.name = "fallback", .url = "", .fee_ppm = 150'000}};
    options_.report = [this](bool problem, std::string_view text) {
      if (problem) told_.emplace_back(text);
    };
  }

  // With options_ as they are at the call.
  void Open() {
    forwarder_ =
        std::make_unique<forward::Forwarder>(options_, directory_, *table_, ring_, session_,
                                             client_, health_, timeline_.clock(), metrics_);
    session_.Connect();
  }
  void Post(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const payments::Payment payment{.id = {1, ++posted_}, .amount_cents = 100};
      const auto slot = table_->Acquire(payment, timeline_.clock().WallMillis());
      ASSERT_TRUE(slot);
      ASSERT_TRUE(ring_.TryPush(*slot));
    }
  }
  // One turn each millisecond.
  void Turn(int64_t ms) {
    const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
    while (timeline_.now_ns() < end_ns) {
      const int64_t next_ns = timeline_.now_ns() + base::kNanosPerMilli;
      while (timeline_.RunNext(next_ns)) {
      }
      session_.OnTurn();
      forwarder_->Pump();
    }
  }
  size_t booked() const { return ledger_.state().entries.size(); }

  Timeline timeline_{1};
  LedgerModel ledger_{timeline_.clock()};
  Processors processors_;
  upstream::HealthBoard health_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<table::PaymentTable> table_ =
      table::PaymentTable::Open({.durability = table::Durability::kMemory, .slots = 64}, directory_)
          .value();
  forward::TableMemory memory_{*table_};
  LedgerSession session_{timeline_, ledger_, {}, memory_, ""};
  ClientModel client_{timeline_, processors_, {}};
  metrics::ForwardMetrics metrics_;
  forward::WorkRing ring_{64};
  forward::ForwarderOptions options_;
  std::unique_ptr<forward::Forwarder> forwarder_;
  std::vector<std::string> told_;
  uint64_t posted_ = 0;
};

}  // namespace tollgate::simulation

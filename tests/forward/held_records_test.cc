// What a forwarder says of its records while a summary is asked for.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

using ledger::HeldRecords;

class HeldRecordsTest : public OneForwarder {
 protected:
  ~HeldRecordsTest() override {
    forwarder_.reset();
    on_file_session_.reset();
    on_file_.reset();
    std::filesystem::remove_all(folder_);
  }
  void OpenTable() {
    memory_on_file_.reset();
    on_file_.reset();
    on_file_ = table::PaymentTable::Open({.path = (folder_ / "table").string(),
                                          .durability = table::Durability::kProcess,
                                          .slots = 64},
                                         directory_)
                   .value();
    memory_on_file_ = std::make_unique<forward::TableMemory>(*on_file_);
  }
  void OpenForwarder(const std::string& known_run) {
    on_file_session_ = std::make_unique<LedgerSession>(timeline_, ledger_, LedgerFaults{},
                                                       *memory_on_file_, known_run);
    forwarder_ = std::make_unique<forward::Forwarder>(options_, directory_, *on_file_, ring_,
                                                      *on_file_session_, client_, health_,
                                                      timeline_.clock(), metrics_);
    on_file_session_->Connect();
  }
  void TurnOnFile(int64_t ms) {
    for (int64_t i = 0; i < ms; ++i) {
      const int64_t next_ns = timeline_.now_ns() + base::kNanosPerMilli;
      while (timeline_.RunNext(next_ns)) {
      }
      on_file_session_->OnTurn();
      forwarder_->Pump();
    }
  }
  HeldRecords Held() {
    forwarder_->HoldRecords();
    const HeldRecords records = forwarder_->records();
    forwarder_->ReleaseRecords();
    return records;
  }

  std::string pattern_ = (std::filesystem::temp_directory_path() / "tollgate-held.XXXXXX").string();
  const std::filesystem::path folder_ = ::mkdtemp(pattern_.data());
  std::unique_ptr<table::PaymentTable> on_file_;
  std::unique_ptr<forward::TableMemory> memory_on_file_;
  std::unique_ptr<LedgerSession> on_file_session_;
};

// A payment was confirmed, and the gateway restarted before it was recorded.
TEST_F(HeldRecordsTest, WhatARestartLeftInTheRingIsLacking) {
  OpenTable();
  OpenForwarder("");
  TurnOnFile(3'000);  // the grace of new books
  const auto slot =
      on_file_->Acquire({.id = {1, 1}, .amount_cents = 100}, timeline_.clock().WallMillis());
  ASSERT_TRUE(slot);
  ASSERT_TRUE(ring_.TryPush(*slot));
  processors_[0].delay_us = processors_[1].delay_us = 50'000;
  TurnOnFile(20);
  EXPECT_EQ(Held(), HeldRecords::kRecorded) << "nothing is confirmed yet";
  const std::string run = on_file_session_->run_id();
  on_file_session_->Disconnect();
  TurnOnFile(100);
  ASSERT_EQ(on_file_->Status(*slot).state, table::SlotState::kBooked);
  EXPECT_EQ(Held(), HeldRecords::kLacking) << "the books are away";

  forwarder_.reset();
  on_file_session_.reset();
  OpenTable();
  ASSERT_EQ(on_file_->recovery().to_continue.size(), 1U);
  ASSERT_TRUE(ring_.TryPush(*slot));
  OpenForwarder(run);
  ASSERT_TRUE(on_file_session_->ready());
  ASSERT_FALSE(forwarder_->replaying());
  EXPECT_EQ(Held(), HeldRecords::kLacking) << "it is still in the ring";
  TurnOnFile(20);
  EXPECT_EQ(Held(), HeldRecords::kRecorded);
  EXPECT_EQ(booked(), 1U);
}

}  // namespace
}  // namespace tollgate::simulation

// Records that the ledger refuses while it is connected are sent again with growing delays.
#include <gtest/gtest.h>

#include "tests/forward/one_forwarder.h"

namespace tollgate::simulation {
namespace {

// Takes claims, and refuses each batch of records after a moment, until it is set to take them.
class RefusingLedger final : public ledger::Ledger {
 public:
  RefusingLedger(Timeline& timeline, LedgerSession& session)
      : timeline_(timeline), session_(session) {}
  void SetEvents(ledger::LedgerEvents* events) override {
    events_ = events;
    session_.SetEvents(events);
  }
  void SetOwner(const ledger::Owner& owner) override { session_.SetOwner(owner); }
  bool ready() const override { return session_.ready(); }
  bool can_claim() const override { return session_.can_claim(); }
  ledger::BooksStanding standing() const override { return session_.standing(); }
  void Claim(const ledger::Owner& owner, std::span<const ledger::ClaimRequest> requests,
             uint64_t batch) override {
    session_.Claim(owner, requests, batch);
  }
  void TakeOver(const ledger::Owner& owner, std::span<const ledger::TakeOverRequest> requests,
                uint64_t batch) override {
    session_.TakeOver(owner, requests, batch);
  }
  void Record(const ledger::Owner& owner, std::span<const ledger::RecordRequest> requests,
              uint64_t batch) override {
    if (takes) return session_.Record(owner, requests, batch);
    ++refused;
    timeline_.After(100, [this, batch] { events_->OnBatchFailed(batch); });
  }

  bool takes = false;
  int refused = 0;

 private:
  Timeline& timeline_;
  LedgerSession& session_;
  ledger::LedgerEvents* events_ = nullptr;
};

TEST_F(OneForwarder, RecordsThatAreRefusedAreToldAgainLessAndLessOften) {
  RefusingLedger refusing(timeline_, session_);
  forwarder_ = std::make_unique<forward::Forwarder>(options_, directory_, *table_, ring_, refusing,
                                                    client_, health_, timeline_.clock(), metrics_);
  session_.Connect();
  Post(1);
  Turn(10'000);
  // Each wait is at least 10 ms, then doubles, up to at least half a second.
  EXPECT_LE(refusing.refused, 7 + 20);
  EXPECT_GE(refusing.refused, 10) << "a second at most";
  EXPECT_EQ(booked(), 0U);
  refusing.takes = true;
  Turn(1'100);
  EXPECT_EQ(booked(), 1U);
  EXPECT_EQ(forwarder_->held(), 0U);
}

}  // namespace
}  // namespace tollgate::simulation

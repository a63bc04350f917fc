// A processor is renamed, removed or moved between two starts while it has payments.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/forward/ledger_session.h"
#include "tests/forward/processor_model.h"
#include "tollgate/forward/forwarder.h"
#include "tollgate/forward/table_memory.h"
#include "tollgate/metrics/instruments.h"

namespace tollgate::simulation {
namespace {

using table::SlotState;

constexpr uint64_t kOld = 11;
constexpr uint64_t kNew = 22;

class Renamed : public ::testing::Test {
 protected:
  Renamed() {
    std::string pattern = "/tmp/tollgate-renamed.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Renamed() override { std::filesystem::remove_all(folder_); }

  struct Start {
    std::vector<std::string> names{"a", "b"};  // b is the cheap one
    std::vector<std::vector<uint64_t>> identities{{1}, {kOld}};
    NetworkFaults network;
  };

  // One start of a gateway on the same table.
  struct Gateway {
    Gateway(Renamed& test, const Start& start)
        : names(std::make_shared<payments::ProcessorDirectory>(start.names, start.identities)),
          table(std::move(table::PaymentTable::Open(
                              {.path = test.folder_ + "/a.table", .slots = 64}, *names))
                    .value()),
          memory(*table),
          session(test.timeline_, test.ledger_, {}, memory, ""),
          client(test.timeline_, test.processors_, start.network) {
      forward::ForwarderOptions options;
      for (const std::string& name : start.names) {
        options.processors.push_back(
            {.name = name, .url = "", .fee_ppm = name == "b" ? 10'000 : 100'000});
      }
      options.report = [this](bool problem, std::string_view text) {
        if (problem) reported.emplace_back(text);
      };
      for (const table::SlotIndex slot : table->recovery().to_continue)
        EXPECT_TRUE(ring.TryPush(slot));
      client.OnPost([this](const upstream::PostRequest& request) {
        posted.push_back(request.payment.id.low);
      });
      forwarder =
          std::make_unique<forward::Forwarder>(options, *names, *table, ring, session, client,
                                               test.health_, test.timeline_.clock(), metrics);
      session.SetDirectory(names);
      session.Connect();
    }
    int64_t UnresolvedAt(payments::ProcessorId id) const {
      return metrics.processors[id].unresolved.value();
    }

    std::shared_ptr<payments::ProcessorDirectory> names;
    std::unique_ptr<table::PaymentTable> table;
    forward::TableMemory memory;
    forward::WorkRing ring{64};
    LedgerSession session;
    ClientModel client;
    metrics::ForwardMetrics metrics;
    std::vector<std::string> reported;
    std::vector<uint64_t> posted;
    std::unique_ptr<forward::Forwarder> forwarder;
  };

  void Open(const Start& start) {
    gateway_.reset();
    gateway_ = std::make_unique<Gateway>(*this, start);
  }
  table::SlotIndex Accept(uint64_t id) {
    const auto slot = gateway_->table->Acquire({.id = {1, id}, .amount_cents = 100},
                                               timeline_.clock().WallMillis());
    return slot.value();
  }
  void Post(uint64_t id) { EXPECT_TRUE(gateway_->ring.TryPush(Accept(id))); }
  void Turn(int64_t ms) {
    const int64_t end_ns = timeline_.now_ns() + ms * base::kNanosPerMilli;
    while (timeline_.now_ns() < end_ns) {
      const int64_t next_ns = timeline_.now_ns() + base::kNanosPerMilli;
      while (timeline_.RunNext(next_ns)) {
      }
      gateway_->forwarder->Pump();
    }
  }
  // The processor in the books' entry; -1: no entry.
  int BookedAt(uint64_t id) const {
    const auto it = ledger_.state().entries.find({1, id});
    return it == ledger_.state().entries.end() ? -1 : it->second.processor;
  }
  // A payment whose outcome at b is unknown: it never arrived there.
  void LeaveOneSentToB(uint64_t id) {
    Open({.network = {.lost_request = 1}});
    Post(id);
    Turn(20);
    ASSERT_EQ(gateway_->UnresolvedAt(1), 1);
  }

  std::string folder_;
  Timeline timeline_{1};
  LedgerModel ledger_{timeline_.clock()};
  Processors processors_;
  upstream::HealthBoard health_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(Renamed, APaymentThatMayHaveBeenSentToARemovedOneWaitsAndIsToldOfByName) {
  LeaveOneSentToB(1);
  Open({.names = {"a"}, .identities = {{1}}});
  Post(2);
  Turn(70'000);
  EXPECT_EQ(BookedAt(1), -1);
  EXPECT_EQ(gateway_->posted, std::vector<uint64_t>{2}) << "new payments go on, at a";
  EXPECT_EQ(BookedAt(2), 0);
  EXPECT_EQ(gateway_->UnresolvedAt(1), 1);
  EXPECT_EQ(gateway_->forwarder->stranded(), 1U);
  ASSERT_EQ(gateway_->reported.size(), 2U);
  EXPECT_NE(gateway_->reported[1].find("1 of them are at b, which is not configured"),
            std::string::npos)
      << gateway_->reported[1];
  // It is configured again.
  Open({});
  Turn(10'000);
  EXPECT_EQ(BookedAt(1), 1);
}

TEST_F(Renamed, WhatPeopleSettledOnTheBooksIsLetGo) {
  LeaveOneSentToB(1);
  Open({.names = {"a"}, .identities = {{1}}});
  Turn(1'000);
  ledger_.Record(ledger::kNobody, {{.claim = {.payment = {.id = {1, 1}, .amount_cents = 100},
                                              .attempt = 1,
                                              .processor = 1,
                                              .requested_at_ms = 1'752'583'000'000}}});
  Turn(10'000);
  EXPECT_EQ(gateway_->forwarder->held(), 0U);
}

TEST_F(Renamed, AClaimForARemovedOneThatWasNeverSentIsRoutedAnew) {
  Open({});
  const table::SlotIndex slot = Accept(1);
  gateway_->table->SetStatus(slot, {.state = SlotState::kClaimed,
                                    .processor = 1,
                                    .attempt = 1,
                                    .requested_at_ms = timeline_.clock().WallMillis()});
  Open({.names = {"a"}, .identities = {{1}}});
  Turn(2'000);
  EXPECT_EQ(BookedAt(1), 0);
  EXPECT_EQ(gateway_->table->Status(slot).attempt, 2);
}

// The books know the claim: an earlier start, or the table's original, may have sent it.
TEST_F(Renamed, AClaimForARemovedOneThatTheBooksKnowWaits) {
  Open({});
  const table::SlotIndex slot = Accept(1);
  const int64_t at_ms = timeline_.clock().WallMillis();
  gateway_->table->SetStatus(
      slot, {.state = SlotState::kClaimed, .processor = 1, .attempt = 1, .requested_at_ms = at_ms});
  const auto& identity = gateway_->table->identity();
  ledger_.Claim(
      {.table = identity.table, .incarnation = identity.incarnation, .nonce = identity.nonce},
      {{.payment = {.id = {1, 1}, .amount_cents = 100},
        .slot = table::NumberOf(slot),
        .generation = gateway_->table->At(slot).generation,
        .attempt = 1,
        .processor = 1,
        .requested_at_ms = at_ms}});
  Open({.names = {"a"}, .identities = {{1}}});
  Turn(5'000);
  EXPECT_EQ(BookedAt(1), -1);
  EXPECT_TRUE(gateway_->posted.empty());
  EXPECT_EQ(gateway_->UnresolvedAt(1), 1);
}

// Another processor has the name now, and knows nothing of the payment.
TEST_F(Renamed, APaymentOfOneThatWasMovedIsOnlyLookedUp) {
  LeaveOneSentToB(1);
  Open({.identities = {{1}, {kNew}}});
  Post(2);
  Turn(30'000);
  EXPECT_EQ(gateway_->posted, std::vector<uint64_t>{2});
  EXPECT_EQ(BookedAt(2), 1) << "new payments go on, at the new b";
  EXPECT_EQ(BookedAt(1), -1);
  // Also at the next start: the table remembers which of the two each payment was sent to.
  Open({.identities = {{1}, {kNew}}});
  Turn(70'000);
  EXPECT_TRUE(gateway_->posted.empty());
  ASSERT_EQ(gateway_->reported.size(), 2U);
  EXPECT_NE(gateway_->reported[1].find("add was ="), std::string::npos) << gateway_->reported[1];
  // An answer of the other processor with another amount says nothing about the payment.
  processors_[1].Book({.id = {1, 1}, .amount_cents = 555}, timeline_.clock().WallMillis());
  Turn(10'000);
  EXPECT_EQ(BookedAt(1), -1);
  EXPECT_EQ(gateway_->forwarder->stranded(), 1U);
}

TEST_F(Renamed, OneThatHasOnlyAnotherUrlIsFoundThere) {
  LeaveOneSentToB(1);
  processors_[1].Book({.id = {1, 1}, .amount_cents = 100}, timeline_.clock().WallMillis());
  Open({.identities = {{1}, {kNew}}});
  Turn(10'000);
  const int at = BookedAt(1);
  ASSERT_NE(at, -1);
  EXPECT_EQ(gateway_->names->Name(static_cast<payments::ProcessorId>(at)), "b");
  EXPECT_EQ(gateway_->forwarder->held(), 0U);
}

TEST_F(Renamed, WasSaysThatItIsTheSameAndItsPaymentsGoOn) {
  LeaveOneSentToB(1);
  Open({.identities = {{1}, {kNew, kOld}}});
  Turn(10'000);
  EXPECT_EQ(gateway_->posted, std::vector<uint64_t>{1});
  EXPECT_EQ(BookedAt(1), 1);
}

// A power loss took the slot's last attempt; the books have it. Both were at a processor named b.
TEST_F(Renamed, TheBooksSayWhichOneOfTheNameALaterAttemptWentTo) {
  Open({.identities = {{1}, {kNew}}});
  const table::SlotIndex slot = Accept(1);
  const int64_t at_ms = timeline_.clock().WallMillis();
  gateway_->table->SetStatus(
      slot, {.state = SlotState::kSent, .processor = 1, .attempt = 1, .requested_at_ms = at_ms});
  Open({.identities = {{1}, {kOld}}});
  const auto& identity = gateway_->table->identity();
  ledger_.SetAsking(gateway_->names);
  ledger_.Claim(
      {.table = identity.table, .incarnation = identity.incarnation, .nonce = identity.nonce},
      {{.payment = {.id = {1, 1}, .amount_cents = 100},
        .slot = table::NumberOf(slot),
        .generation = gateway_->table->At(slot).generation,
        .attempt = 2,
        .processor = 1,
        .requested_at_ms = at_ms}});
  Open({.identities = {{1}, {kNew}}});
  Turn(10'000);
  EXPECT_TRUE(gateway_->posted.empty()) << "the former b may have booked it";
  EXPECT_EQ(gateway_->UnresolvedAt(1), 0);
  EXPECT_EQ(gateway_->forwarder->stranded(), 1U);
}

}  // namespace
}  // namespace tollgate::simulation

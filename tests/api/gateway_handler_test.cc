// The gateway's own interface on a real server, with books that answer when the test wants.
#include "tollgate/api/gateway_handler.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "tests/server/server_fixture.h"

namespace tollgate::api {
namespace {

using ledger::BookEntry;
using ledger::EntryState;
using server::Client;
using server::Response;
using table::SlotState;

// Keeps every look-up until the test answers it.
class SlowBooks final : public ledger::Books {
 public:
  void GetSummary(const payments::SummaryRange& /*range*/, OnSummary done) override { done({}); }
  void Find(const payments::Uuid& /*id*/, OnEntry done) override {
    asked.push_back(std::move(done));
  }
  void Purge(OnPurged done) override { done(false); }
  void Answer(const std::optional<BookEntry>& entry) {
    const OnEntry done = std::move(asked.front());
    asked.pop_front();
    done(entry);
  }
  std::deque<OnEntry> asked;
};

class GatewayHandlerTest : public server::ServerTest {
 protected:
  static constexpr size_t kSlots = 20'000;
  static constexpr size_t kLookupsMax = 8;

  void SetUp() override {
    table_ = std::move(table::PaymentTable::Open(
                           {.durability = table::Durability::kMemory, .slots = kSlots}, directory_))
                 .value();
    handler_ = std::make_unique<GatewayHandler>(
        GatewayOptions{
            .allow_purge = false, .body_bytes_max = 64 * 1024, .lookups_max = kLookupsMax},
        GatewayParts{.loop = loop,
                     .table = *table_,
                     .ring = ring_,
                     .waiters = waiters_,
                     .books = books_,
                     .directory = directory_,
                     .metrics = metrics_,
                     .visits = visits_,
                     .readiness = {.draining = draining_, .standing = standing_}});
    other = [this](const http::Request& request, server::Responder responder) {
      handler_->OnRequest(request, responder);
    };
    loop.AddTurnHook([this] { handler_->OnTurnEnd(); });
    Start();
  }
  ~GatewayHandlerTest() override { server.reset(); }

  static std::string IdText(uint64_t id) { return payments::ToString({1, id}); }
  static std::string GetPayment(uint64_t id) { return server::Get("/payments/" + IdText(id)); }
  // Turns the loop until the books were asked again.
  void UntilAsked() {
    for (int i = 0; books_.asked.empty(); ++i) {
      ASSERT_LT(i, 1'000) << "the books are not asked";
      loop.RunOnce(0);
      clock.AdvanceMillis(1);
    }
  }
  table::SlotIndex Accept(uint64_t id) {
    const auto slot = table_->Acquire({.id = {1, id}, .amount_cents = 1990}, clock.WallMillis());
    EXPECT_TRUE(slot.has_value());
    return slot.value();
  }
  static BookEntry Entry(EntryState state) {
    return {.state = state,
            .amount_cents = 1990,
            .processor = 0,
            .requested_at_ms = 1'752'583'000'000,
            .attempt = 1};
  }

  payments::ProcessorDirectory directory_{{"default", "fallback"}};
  std::unique_ptr<table::PaymentTable> table_;
  base::MpmcRing<table::SlotIndex> ring_{32'768};
  net::WaiterList waiters_{1'000};
  SlowBooks books_;
  metrics::AcceptorMetrics metrics_;
  base::RecentTimes visits_;
  std::atomic<bool> draining_{false};
  std::atomic<ledger::BooksStanding> standing_{ledger::BooksStanding::kUnknown};
  std::unique_ptr<GatewayHandler> handler_;
};

// What asks for a summary may be an auditor, so forwarding has to know when it came.
TEST_F(GatewayHandlerTest, AQuestionForASummaryIsNotedAsAVisit) {
  base::RecentTimes::Times times;
  Client client = Connect();
  ASSERT_TRUE(client.Send(GetPayment(1)));
  UntilAsked();
  EXPECT_TRUE(visits_.Read(times, clock.WallMillis()).empty()) << "a look-up is no audit";
  books_.Answer(Entry(EntryState::kBooked));
  client.Read();
  ASSERT_TRUE(client.Send(server::Get("/payments-summary?from=then")));
  EXPECT_EQ(client.Read().status, 400);
  EXPECT_TRUE(visits_.Read(times, clock.WallMillis()).empty()) << "it compares nothing";
  ASSERT_TRUE(client.Send(server::Get("/payments-summary")));
  EXPECT_EQ(client.Read().status, 503) << "these books have no summary";
  EXPECT_EQ(visits_.Read(times, clock.WallMillis()).size(), 1U);
}

TEST_F(GatewayHandlerTest, APaymentOnTheBooksIsShownWithoutALookAtTheTable) {
  Client client = Connect();
  ASSERT_TRUE(client.Send(GetPayment(1)));
  UntilAsked();
  books_.Answer(Entry(EntryState::kBooked));
  const Response response = client.Read();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"correlationId":")" + IdText(1) +
                               R"(","state":"booked","amount":19.90,"processor":"default",)"
                               R"("requestedAt":"2025-07-15T12:36:40.000Z","attempt":1})");
}

TEST_F(GatewayHandlerTest, APaymentThatOnlyTheTableKnowsIsShown) {
  Accept(5);
  Client client = Connect();
  ASSERT_TRUE(client.Send(GetPayment(5)));
  UntilAsked();
  books_.Answer(std::nullopt);
  const Response response = client.Read();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find(R"("state":"accepted","amount":19.90})"), std::string::npos)
      << response.body;
}

TEST_F(GatewayHandlerTest, APaymentThatNobodyKnowsIsUnknownAfterASecondLookAtTheBooks) {
  Client client = Connect();
  ASSERT_TRUE(client.Send(GetPayment(5)));
  UntilAsked();
  books_.Answer(std::nullopt);
  UntilAsked();
  books_.Answer(std::nullopt);
  EXPECT_EQ(client.Read().status, 404);
  ASSERT_TRUE(client.Send(GetPayment(6)));
  UntilAsked();
  books_.Answer(Entry(EntryState::kPending));
  UntilAsked();
  books_.Answer(std::nullopt);
  const Response pending = client.Read();
  EXPECT_EQ(pending.status, 200) << "another instance's";
  EXPECT_NE(pending.body.find("pending"), std::string::npos) << pending.body;
}

// It was accepted before the look-up. It is found wherever the search is when the payment goes on
// the books and leaves the table (without a rest if it is a repeat of another instance's payment).
TEST_F(GatewayHandlerTest, APaymentThatMovesFromTheTableToTheBooksMeanwhileIsNeverUnknown) {
  for (const SlotState rest : {SlotState::kFree, SlotState::kFreeBooked}) {
    for (const uint64_t before : {uint64_t{0}, uint64_t{9'000}}) {
      for (int turns = 0; turns < 8; ++turns) {
        for (uint64_t i = 0; i < before; ++i) {
          table_->Release(Accept(100 + i), {.state = SlotState::kFree});
        }
        const table::SlotIndex slot = Accept(7);
        Client client = Connect();
        ASSERT_TRUE(client.Send(GetPayment(7)));
        UntilAsked();
        books_.Answer(std::nullopt);
        for (int i = 0; i < turns; ++i) loop.RunOnce(0);
        table_->Release(slot, {.state = rest,
                               .pinned = false,
                               .reason = payments::RejectReason::kNone,
                               .processor = 0,
                               .attempt = 1,
                               .requested_at_ms = 1'752'583'000'000});
        clock.AdvanceMillis(6'000);
        for (int i = 0; i < 1'000 && client.Peek().empty(); ++i) {
          if (!books_.asked.empty()) books_.Answer(Entry(EntryState::kBooked));
          clock.AdvanceMillis(1);
        }
        EXPECT_EQ(client.Read().status, 200) << "moved after " << turns << " turns";
      }
    }
  }
}

TEST_F(GatewayHandlerTest, TooManyLookupsAreToldToComeAgainAndPaymentsGoBetween) {
  std::vector<Client> askers;
  for (uint64_t i = 0; i < kLookupsMax; ++i) {
    askers.push_back(Connect());
    ASSERT_TRUE(askers.back().Send(GetPayment(i)));
  }
  Client client = Connect();
  ASSERT_TRUE(client.Send(GetPayment(99)));
  const Response full = client.Read();
  EXPECT_EQ(full.status, 503);
  EXPECT_TRUE(full.Has("Retry-After: 1\r\n")) << full.head;
  EXPECT_EQ(books_.asked.size(), kLookupsMax);
  for (uint64_t i = 0; i < kLookupsMax; ++i) books_.Answer(std::nullopt);
  // The table is being searched. Each payment is answered within the turns of its own steps.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(
        server::Post("/payments", R"({"correlationId":")" + IdText(500) + R"(","amount":19.90})")));
    Turn();
    EXPECT_NE(client.Peek().find("202"), std::string::npos) << client.Peek();
    EXPECT_EQ(client.Read().status, 202);
  }
  for (int i = 0; i < 1'000 && books_.asked.size() < kLookupsMax; ++i) loop.RunOnce(0);
  ASSERT_EQ(books_.asked.size(), kLookupsMax);
  for (uint64_t i = 0; i < kLookupsMax; ++i) books_.Answer(std::nullopt);
  for (Client& asker : askers) EXPECT_EQ(asker.Read().status, 404);
  // There is room again, also after the books were away.
  for (uint64_t i = 0; i < 2 * kLookupsMax; ++i) {
    ASSERT_TRUE(client.Send(GetPayment(5)));
    UntilAsked();
    const auto done = std::move(books_.asked.front());
    books_.asked.pop_front();
    done(std::optional<std::optional<BookEntry>>{});
    EXPECT_EQ(client.Read().status, 503);
  }
  EXPECT_TRUE(books_.asked.empty());
}

}  // namespace
}  // namespace tollgate::api

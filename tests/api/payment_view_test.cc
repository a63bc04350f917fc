#include "api/payment_view.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tollgate::api {
namespace {

using table::SlotState;

constexpr payments::Uuid kId{.high = 0x4a7901b87d264d9d, .low = 0xaa194dc1c7cf60b3};
constexpr int64_t kAtMs = 1'752'582'896'123;

table::PaymentTable::Snapshot Held(SlotState state) {
  table::PaymentTable::Snapshot held;
  held.payment = {.id = kId, .amount_cents = 1990};
  held.status = {.state = state, .processor = 1, .attempt = 3, .requested_at_ms = kAtMs};
  return held;
}

class PaymentViewTest : public ::testing::Test {
 protected:
  const payments::ProcessorDirectory directory_{{"default", "fallback"}};
};

TEST_F(PaymentViewTest, AnEntryOfTheBooksHasWhatIsKnownOfIt) {
  EXPECT_EQ(EntryToJson(kId, {}, directory_),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":"pending",)"
            R"("amount":0.00})");
  EXPECT_EQ(EntryToJson(kId,
                        {.state = ledger::EntryState::kRejected,
                         .amount_cents = 5,
                         .processor = 0,
                         .requested_at_ms = kAtMs,
                         .attempt = 8191,
                         .reason = payments::RejectReason::kConflict},
                        directory_),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":"rejected",)"
            R"("amount":0.05,"reason":"conflict","processor":"default",)"
            R"("requestedAt":"2025-07-15T12:34:56.123Z","attempt":8191})");
}

TEST_F(PaymentViewTest, ASlotHasItsStateAndWhereItWasSent) {
  for (const auto& [state, name] :
       std::vector<std::pair<SlotState, std::string>>{{SlotState::kFree, "free"},
                                                      {SlotState::kClaimed, "claimed"},
                                                      {SlotState::kSent, "sent"},
                                                      {SlotState::kUnresolved, "unresolved"},
                                                      {SlotState::kBooked, "booked"},
                                                      {SlotState::kRejected, "rejected"},
                                                      {SlotState::kFreeBooked, "booked"}}) {
    EXPECT_EQ(SnapshotToJson(Held(state), directory_),
              R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":")" + name +
                  R"(","amount":19.90,"processor":"fallback",)"
                  R"("requestedAt":"2025-07-15T12:34:56.123Z","attempt":3})");
  }
}

TEST_F(PaymentViewTest, AfterARefusedAttemptNoProcessorHasThePayment) {
  EXPECT_EQ(SnapshotToJson(Held(SlotState::kAccepted), directory_),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":"accepted",)"
            R"("amount":19.90,"attempt":3})");
}

TEST_F(PaymentViewTest, AReasonMeansRejectedUnlessItSaysWhoHasTheClaim) {
  auto held = Held(SlotState::kFreeBooked);
  held.status.reason = payments::RejectReason::kRefused;
  EXPECT_EQ(SnapshotToJson(held, directory_),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":"rejected",)"
            R"("amount":19.90,"reason":"refused","processor":"fallback",)"
            R"("requestedAt":"2025-07-15T12:34:56.123Z","attempt":3})");
  held = Held(SlotState::kUnresolved);
  held.status.reason = payments::RejectReason::kElsewhere;
  EXPECT_EQ(SnapshotToJson(held, directory_),
            R"({"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","state":"unresolved",)"
            R"("amount":19.90,"reason":"elsewhere","processor":"fallback",)"
            R"("requestedAt":"2025-07-15T12:34:56.123Z","attempt":3})");
}

}  // namespace
}  // namespace tollgate::api

// What `tollgate pending` prints of a table's file.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tollgate/app/commands.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::app {
namespace {

class ListPendingTest : public ::testing::Test {
 protected:
  ListPendingTest() {
    std::string pattern = "/tmp/tollgate-pending.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    config_.data_dir = folder_;
    upstream::ProcessorOptions processor;
    processor.name = "default";
    config_.processors.push_back(processor);
    FillTable();
  }
  ~ListPendingTest() override { std::filesystem::remove_all(folder_); }

  std::string Printed(bool json) const {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(ListPending(config_, json), 0);
    return ::testing::internal::GetCapturedStdout();
  }

  std::string folder_;
  config::Config config_;

 private:
  // One payment that was never sent, one in each state of a sent one, and one that rests.
  void FillTable() const {
    payments::ProcessorDirectory directory({"default"});
    table::TableOptions options;
    options.path = folder_ + "/a.table";
    options.slots = 8;
    const auto table = table::PaymentTable::Open(options, directory).value();
    constexpr int64_t kAtMs = 1'752'582'896'123;
    using State = table::SlotState;
    for (const State state : {State::kAccepted, State::kClaimed, State::kSent, State::kUnresolved,
                              State::kBooked, State::kRejected, State::kFreeBooked}) {
      const auto number = static_cast<uint64_t>(state);
      const auto slot = table->Acquire(
          {.id = {.high = number, .low = number}, .amount_cents = 1989 + static_cast<int>(number)},
          kAtMs + static_cast<int64_t>(number));
      ASSERT_TRUE(slot);
      if (state == State::kAccepted) continue;
      const table::SlotStatus status{.state = state,
                                     .processor = 0,
                                     .attempt = static_cast<uint16_t>(number),
                                     .requested_at_ms = kAtMs};
      state == State::kFreeBooked ? table->Release(*slot, status) : table->SetStatus(*slot, status);
    }
  }
};

TEST_F(ListPendingTest, JsonHasOneObjectALine) {
  EXPECT_EQ(Printed(true),
            R"({"correlationId":"00000000-0000-0001-0000-000000000001","state":"accepted",)"
            R"("amount":19.90,"acceptedAt":"2025-07-15T12:34:56.124Z","processor":"",)"
            R"("attempt":0})"
            "\n"
            R"({"correlationId":"00000000-0000-0002-0000-000000000002","state":"claimed",)"
            R"("amount":19.91,"acceptedAt":"2025-07-15T12:34:56.125Z","processor":"default",)"
            R"("attempt":2})"
            "\n"
            R"({"correlationId":"00000000-0000-0003-0000-000000000003","state":"sent",)"
            R"("amount":19.92,"acceptedAt":"2025-07-15T12:34:56.126Z","processor":"default",)"
            R"("attempt":3})"
            "\n"
            R"({"correlationId":"00000000-0000-0004-0000-000000000004","state":"unresolved",)"
            R"("amount":19.93,"acceptedAt":"2025-07-15T12:34:56.127Z","processor":"default",)"
            R"("attempt":4})"
            "\n"
            R"({"correlationId":"00000000-0000-0005-0000-000000000005","state":"booked",)"
            R"("amount":19.94,"acceptedAt":"2025-07-15T12:34:56.128Z","processor":"default",)"
            R"("attempt":5})"
            "\n"
            R"({"correlationId":"00000000-0000-0006-0000-000000000006","state":"rejected",)"
            R"("amount":19.95,"acceptedAt":"2025-07-15T12:34:56.129Z","processor":"default",)"
            R"("attempt":6})"
            "\n");
}

TEST_F(ListPendingTest, PeopleGetATable) {
  EXPECT_EQ(Printed(false),
            folder_ +
                "/a.table: 6 pending, not in use\n"
                "  correlationId                         state                amount  accepted"
                "                  processor    attempt\n"
                "  00000000-0000-0001-0000-000000000001  accepted              19.90  "
                "2025-07-15T12:34:56.124Z  -            0\n"
                "  00000000-0000-0002-0000-000000000002  claimed               19.91  "
                "2025-07-15T12:34:56.125Z  default      2\n"
                "  00000000-0000-0003-0000-000000000003  sent                  19.92  "
                "2025-07-15T12:34:56.126Z  default      3\n"
                "  00000000-0000-0004-0000-000000000004  unresolved            19.93  "
                "2025-07-15T12:34:56.127Z  default      4\n"
                "  00000000-0000-0005-0000-000000000005  booked                19.94  "
                "2025-07-15T12:34:56.128Z  default      5\n"
                "  00000000-0000-0006-0000-000000000006  rejected              19.95  "
                "2025-07-15T12:34:56.129Z  default      6\n");
}

}  // namespace
}  // namespace tollgate::app

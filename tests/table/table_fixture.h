// A payment table in its own folder.
//
// Thread: one.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tollgate/table/payment_table.h"

namespace tollgate::table {

class TableFixture : public ::testing::Test {
 protected:
  TableFixture() {
    std::string pattern = "/tmp/tollgate-table.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/a.table";
  }
  ~TableFixture() override { std::filesystem::remove_all(folder_); }

  base::Result<std::unique_ptr<PaymentTable>> TryOpen(size_t slots = 8) {
    TableOptions options;
    options.path = path_;
    options.slots = slots;
    return PaymentTable::Open(options, directory_);
  }
  std::unique_ptr<PaymentTable> Open(size_t slots = 8) { return TryOpen(slots).value(); }
  // The books answer twice a second between these times, in milliseconds of the monotonic clock.
  static void Answered(PaymentTable& table, int64_t from_ms, int64_t to_ms) {
    for (int64_t ms = from_ms; ms < to_ms; ms += 500) table.BooksAnswered(ms * kMilli);
    table.BooksAnswered(to_ms * kMilli);
  }
  static constexpr int64_t kMilli = 1'000'000;
  static payments::Payment Pay(uint64_t id) { return {.id = {id, ~id}, .amount_cents = 100}; }

  std::string folder_, path_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
};

}  // namespace tollgate::table

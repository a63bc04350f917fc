// A payment table in a folder of its own.
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

  base::Result<std::unique_ptr<PaymentTable>> TryOpen(size_t slots = 8, int64_t now_ns = 0) {
    TableOptions options;
    options.path = path_;
    options.slots = slots;
    return PaymentTable::Open(options, directory_, now_ns);
  }
  std::unique_ptr<PaymentTable> Open(size_t slots = 8, int64_t now_ns = 0) {
    return TryOpen(slots, now_ns).value();
  }
  static payments::Payment Pay(uint64_t id) { return {.id = {id, ~id}, .amount_cents = 100}; }

  std::string folder_, path_;
  payments::ProcessorDirectory directory_{{"default", "fallback"}};
};

}  // namespace tollgate::table

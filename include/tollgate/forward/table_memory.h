// TableMemory: a payment table as the ledger's memory of its books.
//
// Thread: any.
// Owns: nothing. The table outlives it.
#pragma once

#include "tollgate/ledger/books_memory.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::forward {

class TableMemory final : public ledger::BooksMemory {
 public:
  explicit TableMemory(table::PaymentTable& table) : table_(table) {}

  payments::Uuid Books() const override { return table_.Books(); }
  bool SetBooks(const payments::Uuid& id) override { return table_.SetBooks(id); }
  uint64_t Number() const override { return table_.LedgerNumber(); }
  void Confirm(uint64_t number, int64_t now_ns) override {
    table_.ConfirmLedgerNumber(number);
    table_.BooksAnswered(now_ns);
  }
  uint64_t Forgotten() const override { return table_.ForgottenNumber(); }
  void BeginEra(uint64_t era) override {
    const uint64_t next = (era + 1) * ledger::kEraNumbers;
    table_.AdvanceLedgerNumber(next - 1, next);
  }

 private:
  table::PaymentTable& table_;
};

}  // namespace tollgate::forward

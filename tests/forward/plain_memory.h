// PlainMemory: what a table remembers of its books, without a table.
//
// Thread: one test's.
#pragma once

#include <algorithm>

#include "tollgate/ledger/books_memory.h"

namespace tollgate::simulation {

struct PlainMemory final : ledger::BooksMemory {
  payments::Uuid Books() const override { return books; }
  bool SetBooks(const payments::Uuid& id) override {
    books = id;
    return stores;
  }
  uint64_t Number() const override { return number; }
  void Confirm(uint64_t confirmed, int64_t /*now_ns*/) override {
    number = std::max(number, confirmed);
  }
  uint64_t Forgotten() const override { return forgotten; }
  void BeginEra(uint64_t era) override {
    if (ledger::EraOf(number) == era) number = (era + 1) * ledger::kEraNumbers;
  }

  payments::Uuid books;
  uint64_t number = 0;
  uint64_t forgotten = 0;
  bool stores = true;
};

}  // namespace tollgate::simulation

// TableLedger: the Ledger of one worker of a table, wherever the books are. It connects by itself,
// greets the books for the table, and answers what they know of tables.
//
// Thread: one worker's loop.
// Invariants: a batch ends in exactly one event, with exactly what the books replied.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tollgate/ledger/ledger.h"

namespace tollgate::ledger {

struct OwnerFacts {
  bool known = false;  // it has called these books before
  int64_t number = 0;  // raised by each call; negative: the owner said that it is gone
};

class TableLedger : public Ledger {
 public:
  // Connects, and reconnects whenever the books were away. Call it after SetEvents.
  virtual void Start() = 0;
  // The present or last run of the books, with the table's era. If it changes, something may have
  // been lost.
  virtual const std::string& run_id() const = 0;
  // What the books know of a table, this one or another. Empty: the books are away or not ours.
  using OnOwner = std::function<void(std::optional<OwnerFacts>)>;
  virtual void AskOwner(const payments::Uuid& table, OnOwner done) = 0;
  // Gives up the table's claims, so that repeats of the payments can take them over. Call it before
  // a clean stop of a table in memory. Nothing may be called afterwards.
  virtual void SayGone(std::function<void()> done) = 0;
};

}  // namespace tollgate::ledger

// TableSearch: finds payments in the table by id, for look-ups. One pass over the table serves all
// pending look-ups. It does a part of the table per turn of the loop, so that payments are not
// delayed.
//
// Thread: one acceptor's loop.
// Owns: the pending look-ups.
// Invariants: a payment that is in the table from the look-up's start to its end is found. One that
// leaves the table meanwhile may be missed. It is then on the books, where the caller checks again.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tollgate/net/event_loop.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::api {

struct TableSearchOptions {
  // For tests: replaces the table's Read.
  std::function<std::optional<table::PaymentTable::Snapshot>(table::SlotIndex slot)> read_for_test =
      {};
  uint32_t slots_per_turn = 4'096;  // some 30 us of a turn
  size_t answers_per_turn = 16;     // each may cause a query at the books
  int64_t pause_ns_per_slot =
      30;  // pause after a pass, so searching takes at most a quarter of the thread
};

class TableSearch {
 public:
  using Snapshot = table::PaymentTable::Snapshot;
  using OnFound = std::function<void(const std::optional<Snapshot>& found)>;

  TableSearch(net::EventLoop& loop, const table::PaymentTable& table,
              TableSearchOptions options = {});

  // Calls `done` in a later turn. If several slots have the id (a client's repeats), the result is
  // the one with the most progress.
  void Find(const payments::Uuid& id, OnFound done);

  // For tests: since the start.
  uint64_t slots_looked_at() const { return slots_looked_at_; }

 private:
  struct Wanted {
    std::vector<OnFound> askers;
    std::optional<Snapshot> best;
  };
  using AllWanted = std::unordered_map<payments::Uuid, Wanted>;

  void OnTurn();
  void Answer();
  void BeginPass();
  void SearchPart();
  void Look(table::SlotIndex slot);
  std::optional<Snapshot> ReadSurely(table::SlotIndex slot) const;
  static size_t Mark(const payments::Uuid& id) { return (id.low ^ id.high) % kMarks; }

  static constexpr size_t kMarks = 8'192;
  net::EventLoop& loop_;
  const table::PaymentTable& table_;
  const TableSearchOptions options_;
  net::Timer turn_;            // for the next turn, or the end of a pause
  AllWanted next_;             // for the next pass
  AllWanted wanted_;           // in this pass
  std::bitset<kMarks> marks_;  // of the ids in wanted_, so most slots need no look-up in the map
  std::deque<std::pair<OnFound, std::optional<Snapshot>>> answers_;
  uint32_t slot_ = 0;  // the next slot of the pass
  int64_t next_pass_ns_ = 0;
  uint64_t slots_looked_at_ = 0;
};

}  // namespace tollgate::api

// TableSearch: finds payments in the table by their ids, for look-ups: one pass over the table for
// all who ask meanwhile, a part of it per turn of the loop, so that payments go between.
//
// Thread: one acceptor's loop.
// Owns: those who ask, until they are answered.
// Invariants: whatever is in the table from the question to its answer is found. What leaves it
// meanwhile may be missed: it has left for the books, where to look afterwards.
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
  // For tests: in place of the table's Read.
  std::function<std::optional<table::PaymentTable::Snapshot>(uint32_t slot)> read_for_test = {};
  uint32_t slots_per_turn = 4'096;  // some 30 us of a turn
  size_t answers_per_turn = 16;     // each may be a question to the books
  int64_t pause_ns_per_slot = 30;   // from one pass to the next: a quarter of the thread at most
};

class TableSearch {
 public:
  using Snapshot = table::PaymentTable::Snapshot;
  using OnFound = std::function<void(const std::optional<Snapshot>& found)>;

  TableSearch(net::EventLoop& loop, const table::PaymentTable& table,
              TableSearchOptions options = {});

  // `done` is called in a later turn. Of several slots with the id (a client's repeats) the one
  // that went furthest counts.
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
  void Look(uint32_t slot);
  std::optional<Snapshot> ReadSurely(uint32_t slot) const;
  static size_t Mark(const payments::Uuid& id) { return (id.low ^ id.high) % kMarks; }

  static constexpr size_t kMarks = 8'192;
  net::EventLoop& loop_;
  const table::PaymentTable& table_;
  const TableSearchOptions options_;
  net::Timer turn_;            // the next turn, or the end of a pause
  AllWanted next_;             // wait for the next pass
  AllWanted wanted_;           // in this pass
  std::bitset<kMarks> marks_;  // of those: most slots need no look at the map
  std::deque<std::pair<OnFound, std::optional<Snapshot>>> answers_;
  uint32_t slot_ = 0;  // where the pass goes on
  int64_t next_pass_ns_ = 0;
  uint64_t slots_looked_at_ = 0;
};

}  // namespace tollgate::api

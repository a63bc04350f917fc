// LedgerModel: the books as the Lua scripts keep them (src/ledger/lua), in memory and
// deterministic.
//
// Thread: one simulation's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/forward/timeline.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::simulation {

class LedgerModel {
 public:
  struct Pending {
    ledger::Owner owner;
    uint32_t slot = 0;
    uint32_t generation = 0;
    uint16_t attempt = 0;
    payments::ProcessorId processor = 0;
    int64_t requested_at_ms = 0;
    int64_t cents = 0;
    uint32_t epoch = 0;
    uint64_t identity = 0;  // of the processor; 0: not known
  };
  struct Entry {
    bool rejected = false;
    bool counted = true;
    payments::RejectReason reason = payments::RejectReason::kNone;
    payments::ProcessorId processor = 0;
    int64_t requested_at_ms = 0;
    int64_t cents = 0;
    int64_t shelf = 0;  // the number of the shelf that was present when it was put there
  };
  // The shelves of booked and rejected payments. Only this one and the one before are read.
  struct Shelf {
    int64_t number = 0;  // 0: none yet
    int64_t began_ms = 0;
    int64_t older_began_ms = 0;
  };
  struct State {
    std::map<payments::Uuid, ledger::Owner> owners;
    std::map<payments::Uuid, Pending> pending;
    std::map<payments::Uuid, Entry> entries;
    std::map<payments::Uuid, uint64_t> numbers;
    std::set<payments::Uuid> gone;  // have said that they are gone
    std::optional<payments::Uuid> books;
    std::vector<Entry> forgotten;  // no longer known by their ids, still counted
    Shelf shelf;
    uint32_t epoch = 0;
  };
  // The answer to a call with a number. If the books have lost something, nothing was done.
  template <typename Reply>
  struct Answer {
    bool lost = false;
    bool purged = false;  // since the epoch that the call knew; nothing was done either
    uint64_t number = 0;
    std::vector<Reply> replies;
  };
  enum class Greeting { kOk, kLost, kFenced, kOthers };
  struct Greeted {
    Greeting verdict = Greeting::kOk;
    uint64_t number = 0;  // with kLost: what the books know
    bool put_back = false;
  };

  explicit LedgerModel(const base::Clock& clock, payments::Uuid id = {0xB00C5, 1})
      : clock_(clock), id_(id) {}

  std::vector<ledger::ClaimReply> Claim(const ledger::Owner& owner,
                                        const std::vector<ledger::ClaimRequest>& requests);
  std::vector<ledger::RecordReply> Record(const ledger::Owner& owner,
                                          const std::vector<ledger::RecordRequest>& requests);

  std::vector<ledger::ClaimReply> TakeOver(const ledger::Owner& owner,
                                           const std::vector<ledger::TakeOverRequest>& requests);

  // Like the scripts that take a number, and like hello.lua.
  Answer<ledger::ClaimReply> Claim(const ledger::Owner& owner,
                                   const std::vector<ledger::ClaimRequest>& requests,
                                   uint64_t confirmed, uint32_t epoch);
  Answer<ledger::ClaimReply> TakeOver(const ledger::Owner& owner,
                                      const std::vector<ledger::TakeOverRequest>& requests,
                                      uint64_t confirmed, uint32_t epoch);
  Answer<ledger::RecordReply> Record(const ledger::Owner& owner,
                                     const std::vector<ledger::RecordRequest>& requests,
                                     uint64_t confirmed);
  Greeted Greet(const ledger::Owner& owner, uint64_t confirmed, const payments::Uuid& told_to);
  // Whose names the following calls use. The books know a processor by its name, and the identity
  // of a claim's processor. Null: ids are the books' own.
  void SetAsking(std::shared_ptr<const payments::ProcessorDirectory> directory) {
    asking_ = std::move(directory);
  }
  // Sets what the books know of an owner's life.
  void SetNumber(const payments::Uuid& table, uint64_t number, bool gone) {
    state_.numbers[table] = number;
    gone ? static_cast<void>(state_.gone.insert(table))
         : static_cast<void>(state_.gone.erase(table));
  }

  // Ends the present shelf's time: the next record begins a new shelf.
  void EndShelf() { state_.shelf.began_ms -= kShelfMs; }
  // Empties the books and begins an epoch; pending claims stay.
  void Purge();
  // A crash that loses what was executed in the last `lost_ms`, as with an append-only file that is
  // synced every second. Raises the run.
  void CrashAndLose(int64_t lost_ms);
  // The same loss under the same run, and connections stay: a primary was demoted, took over a
  // replica's data, and was promoted again.
  void RollBack(int64_t lost_ms);
  uint64_t run() const { return run_; }
  const State& state() const { return state_; }
  size_t contradictions() const { return contradictions_; }

  int64_t paused_until_ns = 0;  // no command is executed before
  int64_t away_until_ns = 0;    // and no connection is accepted before

 private:
  static constexpr int64_t kShelfMs = 86'400'000;
  void MoveShelf();
  bool MayBeForgotten(const ledger::RecordRequest& request) const;
  bool Fenced(const ledger::Owner& owner);
  void Lose(int64_t lost_ms);
  // Nothing: the books know a lower number.
  std::optional<uint64_t> Raise(const payments::Uuid& table, uint64_t confirmed);
  ledger::ClaimReply ClaimOne(const ledger::Owner& owner, const ledger::ClaimRequest& request);
  ledger::ClaimReply TakeOverOne(const ledger::Owner& owner,
                                 const ledger::TakeOverRequest& request);
  ledger::Holder HolderOf(const Pending& pending) const;
  payments::ProcessorId IndexOf(payments::ProcessorId id) const;
  uint64_t IdentityOf(payments::ProcessorId id) const;
  ledger::RecordReply RecordOne(const ledger::Owner& owner, const ledger::RecordRequest& request);
  void Remember();

  const base::Clock& clock_;
  const payments::Uuid id_;  // of the books, if no table knows one
  State state_;
  std::shared_ptr<const payments::ProcessorDirectory> asking_;
  std::vector<std::pair<int64_t, State>> history_;  // (monotonic ms, state before a change)
  uint64_t run_ = 1;
  size_t contradictions_ = 0;
};

}  // namespace tollgate::simulation

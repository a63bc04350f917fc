// LedgerSession: one forwarder's connection to LedgerModel, with the faults of a network.
//
// Thread: one simulation's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/forward/ledger_model.h"
#include "tests/forward/timeline.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::simulation {

// How often a network between an instance and the ledger fails: once in so many calls; 0: never.
struct LedgerFaults {
  uint64_t reply_lost = 0;    // executed, the caller gets "failed"
  uint64_t command_lost = 0;  // never executed, the caller gets "failed"
  uint64_t command_late = 0;  // the caller gets "failed", it is executed up to 5 s later
  uint64_t entry_failed = 0;  // one entry alone comes back as kFailed
};

class LedgerSession final : public ledger::Ledger {
 public:
  // `known_run`: run_id() at the last complete replay; empty: none.
  LedgerSession(Timeline& timeline, LedgerModel& model, LedgerFaults faults,
                ledger::BooksMemory& memory, std::string known_run);
  ~LedgerSession() override;

  void SetEvents(ledger::LedgerEvents* events) override { events_ = events; }
  void SetOwner(const ledger::Owner& owner) override { owner_ = owner; }
  bool ready() const override { return connected_; }
  bool can_claim() const override;
  ledger::BooksStanding standing() const override;
  void Claim(const ledger::Owner& owner, std::span<const ledger::ClaimRequest> requests,
             uint64_t batch) override;
  void TakeOver(const ledger::Owner& owner, std::span<const ledger::TakeOverRequest> requests,
                uint64_t batch) override;
  void Record(const ledger::Owner& owner, std::span<const ledger::RecordRequest> requests,
              uint64_t batch) override;

  // Connects, and checks whether the ledger is still the one that it knew.
  void Connect();
  // Greets at intervals, as a connection to Redis does.
  void OnTurn();
  void Disconnect();
  void SetFaults(LedgerFaults faults) { faults_ = faults; }
  // For an instance whose processors may differ from another instance's of the same names.
  void SetDirectory(std::shared_ptr<payments::ProcessorDirectory> directory) {
    directory_ = std::move(directory);
  }
  // The books' run and the table's era at the last greeting.
  const std::string& run_id() const { return known_run_; }
  // Called for each claim that is answered, before the caller gets the reply.
  using OnSaid = std::function<void(const ledger::ClaimRequest&, ledger::ClaimVerdict)>;
  void OnClaimSaid(OnSaid look) { look_ = std::move(look); }

 private:
  bool Confirm(uint64_t number);
  void AskAgain(uint64_t batch);
  void TakeClaimReplies(const std::vector<ledger::ClaimRequest>& requests,
                        LedgerModel::Answer<ledger::ClaimReply> answer, uint64_t batch);
  void Send(uint64_t batch, std::function<std::function<void()>(uint64_t confirmed)> execute);
  std::string RunId() const;
  void OnLost();

  Timeline& timeline_;
  LedgerModel& model_;
  LedgerFaults faults_;
  ledger::LedgerEvents* events_ = nullptr;
  bool connected_ = false;
  int64_t claims_from_ns_ = 0;
  ledger::BooksMemory& memory_;
  ledger::Owner owner_;
  std::string known_run_;
  int64_t there_ns_ = 0;  // when the last call arrives, and its answer
  int64_t back_ns_ = 0;
  uint64_t last_number_ = 0;  // of the last reply on this connection
  uint32_t epoch_ = 0;        // of the books, from the last reply
  uint64_t era_ = 0;          // in which this connection was opened
  int64_t greeted_ns_ = 0;
  std::set<uint64_t> outstanding_;
  OnSaid look_;
  std::shared_ptr<payments::ProcessorDirectory> directory_;
  uint64_t connection_ = 0;
  const std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

}  // namespace tollgate::simulation

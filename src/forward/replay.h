// Replay: after the ledger lost its tail, sends it every slot of the table that is not free or
// still rests: claims as claims, bookings and rejections as records. It reads consistent copies of
// slots that it does not own. If a slot changes meanwhile, its owner sends it anyway; every call is
// idempotent.
//
// Thread: one worker's; forwarder i of n repeats the slots whose number is i modulo n.
// Owns: its calls to the ledger, of which at most one of the present replay is open, and their
// answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "forward/ledger_batches.h"
#include "forward/reports.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::forward {

class Replay {
 public:
  // REQUIRES: `table` and `reports` outlive it.
  Replay(const table::PaymentTable& table, const Reports& reports, size_t index, size_t forwarders);

  bool active() const { return active_; }
  // Starts at the first slot, also while a replay is active.
  void Begin();
  // Collects the next batch of claims or records. False: there is nothing to send now.
  bool Collect();
  // Sends what was collected. REQUIRES: Collect() was true; ledger.ready().
  void Send(ledger::Ledger& ledger, const ledger::Owner& owner);

  // Answers to a batch of kind kReplay; answers to an earlier replay are ignored. False: the ledger
  // knows a newer opening of the table.
  [[nodiscard]] bool OnClaimed(BatchId id, std::span<const ledger::ClaimReply> replies);
  [[nodiscard]] bool OnRecorded(BatchId id, std::span<const ledger::RecordReply> replies);
  // The batch has to be sent again.
  void OnFailed(BatchId id);

 private:
  bool Wanted(table::SlotState state) const;
  void CollectFrom();
  BatchId CurrentId() const { return {.kind = BatchKind::kReplay, .slot = 0, .serial = serial_}; }
  void OnDone();

  const table::PaymentTable& table_;
  const Reports& reports_;
  const size_t index_;
  const size_t forwarders_;
  bool active_ = false;
  bool under_way_ = false;
  bool recording_ = false;  // two passes: claims first, then records
  uint32_t serial_ = 0;
  size_t from_ = 0;  // the open batch began here
  size_t next_ = 0;
  size_t count_ = 0;
  std::array<table::SlotIndex, payments::kLedgerBatchMax> slots_{};  // of the open batch
  std::vector<ledger::ClaimRequest> claims_;
  std::vector<ledger::RecordRequest> records_;
};

}  // namespace tollgate::forward

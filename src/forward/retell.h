// Retell: after the ledger lost its tail, tells it again every slot of the table that is not free
// or still rests: claims as claims, bookings as records. It reads consistent copies of slots that
// it does not own; a slot that changes meanwhile is told by its owner anyway, and every call is
// idempotent.
//
// Thread: one worker's; forwarder i of n tells the slots whose number is i modulo n.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tollgate/ledger/ledger.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::forward {

class Retell {
 public:
  Retell(const table::PaymentTable& table, size_t index, size_t forwarders);

  bool active() const { return active_; }
  void Begin();
  // The next batch of claims or records; at most one batch under way. False: nothing to send now.
  // `claims` or `records` is filled, the other one empty.
  bool NextBatch(std::vector<ledger::ClaimRequest>& claims,
                 std::vector<ledger::RecordRequest>& records);
  // The batch under way is done, or has to be sent again.
  void OnDone();
  void OnFailed() { under_way_ = false; }
  // Of the batch under way.
  std::span<const uint32_t> slots() const { return {slots_.data(), count_}; }
  uint32_t serial() const { return serial_; }

 private:
  const table::PaymentTable& table_;
  const size_t index_;
  const size_t forwarders_;
  bool active_ = false;
  bool under_way_ = false;
  bool records_ = false;  // two passes: claims first, then records
  uint32_t serial_ = 0;
  size_t from_ = 0;  // the batch under way began here
  size_t next_ = 0;
  size_t count_ = 0;
  std::array<uint32_t, payments::kLedgerBatchMax> slots_{};
};

}  // namespace tollgate::forward

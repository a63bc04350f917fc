// LedgerBatches: the open calls to the ledger, and the entries of each. It gives a call its id, and
// finds the call's entries again when an answer has that id.
//
// Thread: one worker's.
// Owns: a fixed number of batches.
// Invariants: at most kBatchesPerDirection batches that claim are open, and as many that record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tollgate/forward/entry_index.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/payments/limits.h"

namespace tollgate::forward {

enum class BatchKind : uint8_t {
  kClaim,
  kTakeOver,
  kRecord,
  kReplay,  // Replay's, which has its own batches
};

// Identifies a call in its answer.
struct BatchId {
  BatchKind kind = BatchKind::kClaim;
  uint8_t slot = 0;     // the batch of LedgerBatches; 0 for a replay
  uint32_t serial = 0;  // distinguishes the calls of one slot

  // As the number that the ledger takes and returns.
  uint64_t Packed() const {
    return uint64_t{serial} << 16U | uint64_t{slot} << 8U | static_cast<uint64_t>(kind);
  }
  static BatchId Unpack(uint64_t packed) {
    return {.kind = static_cast<BatchKind>(packed & 0xFFU),
            .slot = static_cast<uint8_t>(packed >> 8U & 0xFFU),
            .serial = static_cast<uint32_t>(packed >> 16U)};
  }
  bool operator==(const BatchId&) const = default;
};

class LedgerBatches {
 public:
  class Batch {
   public:
    BatchKind kind() const { return id_.kind; }
    bool full() const { return count_ == entries_.size(); }
    // REQUIRES: not full.
    void Add(EntryIndex entry) { entries_[count_++] = entry; }
    std::span<const EntryIndex> entries() const { return {entries_.data(), count_}; }

   private:
    friend class LedgerBatches;
    BatchId id_;
    bool under_way_ = false;
    uint32_t count_ = 0;
    int64_t began_ns_ = 0;
    std::array<EntryIndex, payments::kLedgerBatchMax> entries_;
  };

  // REQUIRES: `metrics` outlives it.
  explicit LedgerBatches(metrics::ForwardMetrics& metrics);

  // True if a claim could be sent now; false if all batches that claim are open.
  bool ClaimCanLeave() const;
  // True if a batch of records is open.
  bool recording() const;
  // An empty batch; nullptr if all batches of that kind are open. Claims and take-overs share their
  // batches. REQUIRES: not kReplay.
  Batch* Open(BatchKind kind);
  // The call begins; returns its id. `now_ns`: monotonic.
  uint64_t Begin(Batch& batch, int64_t now_ns);
  // The call was answered with `replies` replies, or has failed. Its entries stay valid until the
  // next Open. REQUIRES: the call is open.
  const Batch& OnAnswered(BatchId id, size_t replies, int64_t now_ns);
  const Batch& OnFailed(BatchId id);

 private:
  static constexpr size_t kBatchesPerDirection = 2;
  // The batches that claim, or the batches that record.
  std::span<Batch> Sharing(BatchKind kind);
  Batch& End(BatchId id);

  metrics::ForwardMetrics& metrics_;
  std::array<Batch, 2 * kBatchesPerDirection> batches_;  // the first half is for claims
};

}  // namespace tollgate::forward

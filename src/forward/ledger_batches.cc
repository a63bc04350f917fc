#include "forward/ledger_batches.h"

#include <algorithm>

#include "tollgate/base/assert.h"

namespace tollgate::forward {

LedgerBatches::LedgerBatches(metrics::ForwardMetrics& metrics) : metrics_(metrics) {
  for (size_t i = 0; i < batches_.size(); ++i) batches_[i].id_.slot = static_cast<uint8_t>(i);
}

std::span<LedgerBatches::Batch> LedgerBatches::Sharing(BatchKind kind) {
  TG_ASSERT(kind != BatchKind::kReplay);
  const size_t from = kind == BatchKind::kRecord ? kBatchesPerDirection : 0;
  return std::span<Batch>(batches_).subspan(from, kBatchesPerDirection);
}

bool LedgerBatches::ClaimCanLeave() const {
  return std::any_of(batches_.begin(), batches_.begin() + kBatchesPerDirection,
                     [](const Batch& batch) { return !batch.under_way_; });
}

bool LedgerBatches::recording() const {
  return std::any_of(batches_.begin() + kBatchesPerDirection, batches_.end(),
                     [](const Batch& batch) { return batch.under_way_; });
}

LedgerBatches::Batch* LedgerBatches::Open(BatchKind kind) {
  for (Batch& batch : Sharing(kind)) {
    if (batch.under_way_) continue;
    batch.id_.kind = kind;
    batch.count_ = 0;
    return &batch;
  }
  return nullptr;
}

uint64_t LedgerBatches::Begin(Batch& batch, int64_t now_ns) {
  TG_ASSERT(!batch.under_way_ && batch.count_ > 0);
  batch.under_way_ = true;
  ++batch.id_.serial;
  batch.began_ns_ = now_ns;
  if (batch.id_.kind == BatchKind::kClaim) metrics_.claim_batch.Observe(batch.count_);
  if (batch.id_.kind == BatchKind::kRecord) metrics_.record_batch.Observe(batch.count_);
  return batch.id_.Packed();
}

LedgerBatches::Batch& LedgerBatches::End(BatchId id) {
  Batch& batch = batches_.at(id.slot);
  TG_ASSERT(batch.under_way_ && batch.id_ == id);
  batch.under_way_ = false;
  return batch;
}

const LedgerBatches::Batch& LedgerBatches::OnAnswered(BatchId id, size_t replies, int64_t now_ns) {
  const Batch& batch = End(id);
  TG_ASSERT(replies == batch.count_);
  const auto took_us = static_cast<uint64_t>((now_ns - batch.began_ns_) / 1000);
  (id.kind == BatchKind::kRecord ? metrics_.record_us : metrics_.claim_us).Observe(took_us);
  return batch;
}

const LedgerBatches::Batch& LedgerBatches::OnFailed(BatchId id) { return End(id); }

}  // namespace tollgate::forward

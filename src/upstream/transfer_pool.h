// TransferPool: the handles of one processor and kind, last used first, so that few stay warm.
//
// Thread: the loop's.  Owns: the transfers.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tollgate/base/assert.h"
#include "upstream/transfer.h"

namespace tollgate::upstream {

class TransferPool {
 public:
  void Fill(CurlDriver& driver, const TransferOptions& options, size_t count) {
    all_.reserve(count);
    free_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      all_.push_back(std::make_unique<Transfer>(driver, options));
      free_.push_back(all_.back().get());
    }
  }

  // Null when all are in use.
  Transfer* Take() {
    if (free_.empty()) return nullptr;
    Transfer* const transfer = free_.back();
    free_.pop_back();
    transfer->in_use = true;
    return transfer;
  }
  void GiveBack(Transfer& transfer) {
    TG_ASSERT(transfer.in_use);
    transfer.in_use = false;
    free_.push_back(&transfer);
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (const auto& transfer : all_) visit(*transfer);
  }

 private:
  std::vector<std::unique_ptr<Transfer>> all_;
  std::vector<Transfer*> free_;
};

}  // namespace tollgate::upstream

// ProcessorNames: between the processors' indexes in a table file and the instance's ProcessorIds.
// The file's names stay as they are however the configuration changes, so an old slot never comes
// to mean another processor.
//
// Thread: ToFile, ToDirectory and Knows any (lock-free); Load and Add under the header's lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>

#include "table/table_file.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::table {

// Has the file a payment that may have been sent to the processor of that index, and is not
// finished?
bool MayHoldWhatWasSent(const TableFile& file, payments::ProcessorId index);

class ProcessorNames {
 public:
  static constexpr payments::ProcessorId kMissing = 32;

  explicit ProcessorNames(payments::ProcessorDirectory& directory);

  // Joins the names of both, and changes `header` in memory. `in_use`: may a payment have been sent
  // to the processor of that index, and not be finished? Only then does it matter which processor
  // that was. Fails if they are too many, or if one of the file's is no name.
  base::Status Load(TableHeader& header, const std::function<bool(payments::ProcessorId)>& in_use);
  // Writes a further name into the file's header; returns its index there. Nothing: no room, or the
  // disk has failed, and no slot may use it.
  std::optional<payments::ProcessorId> Add(payments::ProcessorId id, TableFile& file);

  payments::ProcessorId ToFile(payments::ProcessorId id) const {
    return to_file_[id].load(std::memory_order_acquire);  // partner: Join
  }
  payments::ProcessorId ToDirectory(payments::ProcessorId index) const {
    return to_directory_[index].load(std::memory_order_acquire);  // partner: Join
  }
  size_t configured_count() const { return directory_.configured_count(); }
  // Is `index` one of the file's processors?
  bool Knows(payments::ProcessorId index) const { return ToDirectory(index) < kNone; }

 private:
  static constexpr payments::ProcessorId kNone = payments::kNoProcessor;
  void Join(payments::ProcessorId id, payments::ProcessorId index);

  payments::ProcessorDirectory& directory_;
  std::array<std::atomic<payments::ProcessorId>, payments::kProcessorsMax + 1> to_file_;
  std::array<std::atomic<payments::ProcessorId>, payments::kProcessorsMax + 1> to_directory_;
};

}  // namespace tollgate::table

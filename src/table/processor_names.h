// ProcessorNames maps the processors' indexes in a table file to the instance's ProcessorIds and
// back. The file's names stay when the configuration changes, so an old slot never comes to mean
// another processor.
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

// True if the file has an unfinished payment that may have been sent to the processor of that
// index.
bool MayHoldWhatWasSent(const TableFile& file, payments::ProcessorId index);

class ProcessorNames {
 public:
  static constexpr payments::ProcessorId kMissing = 32;

  explicit ProcessorNames(payments::ProcessorDirectory& directory);

  // Joins the names of both sides; changes `header` in memory only. `in_use`: true if an unfinished
  // payment may have been sent to the processor of that index. Only then does it matter which
  // processor that was. Fails if there are too many names, or if one in the file is not valid.
  base::Status Load(TableHeader& header, const std::function<bool(payments::ProcessorId)>& in_use);
  // Writes another name into the file's header; returns its index there. Nothing if there is no
  // room or the disk has failed: then no slot may use the name.
  std::optional<payments::ProcessorId> Add(payments::ProcessorId id, TableFile& file);

  payments::ProcessorId ToFile(payments::ProcessorId id) const {
    return to_file_[id].load(std::memory_order_acquire);  // partner: Join
  }
  payments::ProcessorId ToDirectory(payments::ProcessorId index) const {
    return to_directory_[index].load(std::memory_order_acquire);  // partner: Join
  }
  size_t configured_count() const { return directory_.configured_count(); }
  // True if `index` is one of the file's processors.
  bool Knows(payments::ProcessorId index) const { return ToDirectory(index) < kNone; }

 private:
  static constexpr payments::ProcessorId kNone = payments::kNoProcessor;
  void Join(payments::ProcessorId id, payments::ProcessorId index);

  payments::ProcessorDirectory& directory_;
  std::array<std::atomic<payments::ProcessorId>, payments::kProcessorsMax + 1> to_file_;
  std::array<std::atomic<payments::ProcessorId>, payments::kProcessorsMax + 1> to_directory_;
};

}  // namespace tollgate::table

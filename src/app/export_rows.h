// ExportRows: the rows of an export, given in any order and taken in theirs. What does not fit in
// memory is sorted in a temporary file, in runs that are merged.
//
// Thread: one.
// Owns: the temporary file, which has no name and ends with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/config/export_options.h"
#include "tollgate/payments/payment.h"
#include "tollgate/payments/reject_reason.h"

namespace tollgate::app {

struct ExportRow {
  config::ExportPosition at;
  int64_t amount_cents = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  bool booked = false;
  bool counted = false;
  payments::RejectReason reason = payments::RejectReason::kNone;
};

class ExportRows {
 public:
  // `folder`: of the temporary file.
  explicit ExportRows(std::string folder, size_t in_memory_max = kInMemoryMax)
      : folder_(std::move(folder)), in_memory_max_(in_memory_max) {}

  base::Status Add(const ExportRow& row);
  // Call it after the last Add.
  base::Status Sort();
  // The next row; empty: there is none. A row that was added twice comes once.
  base::Result<std::optional<ExportRow>> Next();

 private:
  // A sorted part of the file. `rows` has those that are read and not taken yet, from `taken` on.
  struct Run {
    int64_t next_byte = 0;
    int64_t end_byte = 0;
    std::vector<ExportRow> rows;
    size_t taken = 0;
  };
  static constexpr size_t kInMemoryMax = 500'000;
  static constexpr size_t kReadMax = 4'096;

  static bool IsBehind(const Run* a, const Run* b);
  base::Status WriteRun();
  base::Status OpenFile();
  base::Status Read(Run& run);
  base::Result<std::optional<ExportRow>> Take();

  const std::string folder_;
  const size_t in_memory_max_;
  std::vector<ExportRow> rows_;  // in memory, not sorted before Sort
  base::UniqueFd file_;
  std::vector<Run> runs_;
  std::vector<Run*> heads_;  // a heap, the run with the first row on top
  std::optional<config::ExportPosition> last_;
};

}  // namespace tollgate::app

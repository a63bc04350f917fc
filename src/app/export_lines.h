// ExportLines: writes the rows of an export to a descriptor, and knows how far it came.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/export_rows.h"
#include "tollgate/base/result.h"
#include "tollgate/config/export_options.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::app {

// What `amount_cents` cost at a fee in parts per million, as exact decimal text.
std::string FeeText(int64_t amount_cents, int64_t fee_ppm);

class ExportLines {
 public:
  // `fees_ppm`: by the ids of the configured processors.
  ExportLines(int fd, config::ExportFormat format, const payments::ProcessorDirectory& directory,
              std::vector<int64_t> fees_ppm)
      : fd_(fd), format_(format), directory_(directory), fees_ppm_(std::move(fees_ppm)) {}

  void AddHeading();
  // An error of these two says where to go on.
  base::Status Add(const ExportRow& row);
  base::Status Finish();

 private:
  void AddCsv(const ExportRow& row);
  void AddJson(const ExportRow& row);
  std::string FeeOf(const ExportRow& row) const;
  std::string ProcessorOf(const ExportRow& row) const;
  base::Status Flush();
  base::Error Stopped(size_t written, int code);

  struct Line {
    size_t end = 0;  // in text_
    config::ExportPosition at;
  };
  const int fd_;
  const config::ExportFormat format_;
  const payments::ProcessorDirectory& directory_;
  const std::vector<int64_t> fees_ppm_;
  std::string text_;
  std::vector<Line> lines_;                      // in text_
  std::optional<config::ExportPosition> whole_;  // of the last line that was written
};

}  // namespace tollgate::app

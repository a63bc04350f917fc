// ExportOptions: the options of `tollgate export`.
//
// Thread: a value type.
#pragma once

#include <cstdint>
#include <optional>

#include "tollgate/payments/summary.h"
#include "tollgate/payments/uuid.h"

namespace tollgate::config {

enum class ExportFormat : uint8_t { kCsv, kJsonLines };

// A place in an export, which is in this order.
struct ExportPosition {
  int64_t requested_at_ms = 0;
  payments::Uuid id;
  auto operator<=>(const ExportPosition&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct ExportOptions {
  payments::SummaryRange range;
  ExportFormat format = ExportFormat::kCsv;
  std::optional<ExportPosition> after;  // the export goes on behind it
};

}  // namespace tollgate::config

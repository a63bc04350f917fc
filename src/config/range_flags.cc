#include "config/range_flags.h"

namespace tollgate::config {
namespace {

base::Status ToMillis(const std::string& flag, const std::string& text, payments::Rounding rounding,
                      int64_t& out) {
  if (text.empty()) return base::OkStatus();
  const auto time = payments::ParseTimestampMillis(text, rounding);
  if (!time.ok()) {
    return base::Error{flag + ": '" + text + "': " + time.error().message +
                       "; write it as 2025-07-15T12:34:56.000Z"};
  }
  out = time.value();
  return base::OkStatus();
}

}  // namespace

base::Status ReadRange(const std::string& from, const std::string& to,
                       payments::SummaryRange& range) {
  auto status = ToMillis("--from", from, payments::Rounding::kUp, range.from_ms);
  if (status.ok()) status = ToMillis("--to", to, payments::Rounding::kDown, range.to_ms);
  if (status.ok() && range.from_ms > range.to_ms) {
    status = base::Error{"--from is later than --to; swap them"};
  }
  return status;
}

}  // namespace tollgate::config

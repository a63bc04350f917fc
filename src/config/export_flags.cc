#include "config/export_flags.h"

#include "config/range_flags.h"

namespace tollgate::config {
namespace {

constexpr const char* kFooter =
    "Exit code: 0 all was written; 1 an error, and stderr says where to go on.\n"
    "The books are those of the gateway's own settings: the same flags, environment and file "
    "(tollgate --help).";

base::Status ReadAfter(const std::string& text, std::optional<ExportPosition>& after) {
  if (text.empty()) return base::OkStatus();
  const size_t comma = text.find(',');
  const auto time =
      payments::ParseTimestampMillis(text.substr(0, comma), payments::Rounding::kDown);
  const auto id =
      comma == std::string::npos ? std::nullopt : payments::ParseUuid(text.substr(comma + 1));
  if (!time.ok() || !id) {
    return base::Error{"--after: '" + text +
                       "': write the time and the id with which the last whole line begins, as "
                       "2025-07-15T12:34:56.000Z,4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3"};
  }
  after = ExportPosition{.requested_at_ms = time.value(), .id = *id};
  return base::OkStatus();
}

}  // namespace

void AddExportFlags(CLI::App& command, ExportFlags& flags) {
  command.add_option("--from", flags.from, "payments from this requestedAt on, RFC 3339");
  command.add_option("--to", flags.to, "payments up to this requestedAt, RFC 3339");
  command.add_option("--format", flags.format, "csv or jsonl")->capture_default_str();
  command.add_option("--after", flags.after,
                     "go on behind this line of an earlier export: its requestedAt, a comma, its "
                     "id; csv then has no heading");
  command.footer(kFooter);
}

base::Result<ExportOptions> ReadExportFlags(const ExportFlags& flags) {
  ExportOptions options;
  for (const base::Status& status :
       {ReadRange(flags.from, flags.to, options.range), ReadAfter(flags.after, options.after)}) {
    if (!status.ok()) return status.error();
  }
  if (flags.format == "jsonl") {
    options.format = ExportFormat::kJsonLines;
  } else if (flags.format != "csv") {
    return base::Error{"--format: '" + flags.format + "' must be csv or jsonl"};
  }
  return options;
}

}  // namespace tollgate::config

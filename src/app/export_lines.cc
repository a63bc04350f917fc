#include "app/export_lines.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tollgate/base/json_writer.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::app {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;
constexpr int64_t kMillion = 1'000'000;

// RFC 4180: a field with one of these is quoted.
std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char letter : text) {
    if (letter == '"') field += '"';
    field += letter;
  }
  return field + '"';
}

}  // namespace

std::string FeeText(int64_t amount_cents, int64_t fee_ppm) {
  static_assert(payments::kAmountCentsMax <= INT64_MAX / kMillion, "a share of it fits");
  const int64_t millionths = amount_cents * fee_ppm;  // of a cent
  std::string text = payments::CentsToString(millionths / kMillion);
  char rest[8];
  std::snprintf(rest, sizeof(rest), "%06d", static_cast<int>(millionths % kMillion));
  std::string digits = rest;
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + digits;
}

void ExportLines::AddHeading() {
  if (format_ != config::ExportFormat::kCsv) return;
  text_ += "requestedAt,correlationId,state,amount,processor,fee,counted,reason\n";
}

std::string ExportLines::ProcessorOf(const ExportRow& row) const {
  return row.processor == payments::kNoProcessor ? "" : directory_.Name(row.processor);
}

// Empty: none, or it is not known, as the processor is no longer configured.
std::string ExportLines::FeeOf(const ExportRow& row) const {
  if (!row.booked || row.processor >= fees_ppm_.size()) return "";
  return FeeText(row.amount_cents, fees_ppm_[row.processor]);
}

void ExportLines::AddCsv(const ExportRow& row) {
  text_ += payments::TimestampToString(row.at.requested_at_ms) + ',' +
           payments::ToString(row.at.id) + ',' + (row.booked ? "booked" : "rejected") + ',' +
           payments::CentsToString(row.amount_cents) + ',' + CsvField(ProcessorOf(row)) + ',' +
           FeeOf(row) + ',' + (row.counted ? "true" : "false") + ',' +
           std::string(payments::Name(row.reason)) + '\n';
}

void ExportLines::AddJson(const ExportRow& row) {
  base::JsonWriter json(text_);
  json.BeginObject().Key("requestedAt").String(payments::TimestampToString(row.at.requested_at_ms));
  json.Key("correlationId").String(payments::ToString(row.at.id));
  json.Key("state").String(row.booked ? "booked" : "rejected");
  json.Key("amount").Decimal(payments::CentsToString(row.amount_cents));
  const std::string processor = ProcessorOf(row);
  if (!processor.empty()) json.Key("processor").String(processor);
  const std::string fee = FeeOf(row);
  if (!fee.empty()) json.Key("fee").Decimal(fee);
  json.Key("counted").Bool(row.counted);
  if (!row.booked) json.Key("reason").String(payments::Name(row.reason));
  json.EndObject();
  text_ += '\n';
}

base::Status ExportLines::Add(const ExportRow& row) {
  format_ == config::ExportFormat::kCsv ? AddCsv(row) : AddJson(row);
  lines_.push_back({.end = text_.size(), .at = row.at});
  return text_.size() < kFlushBytes ? base::OkStatus() : Flush();
}

base::Status ExportLines::Finish() { return Flush(); }

base::Status ExportLines::Flush() {
  for (size_t done = 0; done < text_.size();) {
    const ssize_t wrote = ::write(fd_, text_.data() + done, text_.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Stopped(done, errno);
    done += static_cast<size_t>(wrote);
  }
  if (!lines_.empty()) whole_ = lines_.back().at;
  lines_.clear();
  text_.clear();
  return base::OkStatus();
}

base::Error ExportLines::Stopped(size_t written, int code) {
  bool torn = written != 0;
  for (const Line& line : lines_) {
    if (line.end > written) break;
    whole_ = line.at;
    torn = line.end != written;
  }
  std::string go_on = "; nothing was written";
  if (whole_) {
    go_on = "; go on with --after " + payments::TimestampToString(whole_->requested_at_ms) + "," +
            payments::ToString(whole_->id);
    if (code == EPIPE) go_on += ", or behind the last whole line that was read";
    if (torn) go_on += ", and cut off what follows that line";
  }
  base::Error error = base::ErrnoError("the export cannot be written", code);
  error.message += go_on;
  return error;
}

}  // namespace tollgate::app

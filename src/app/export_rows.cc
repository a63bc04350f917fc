#include "app/export_rows.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <type_traits>
#include <utility>

namespace tollgate::app {
namespace {

static_assert(std::is_trivially_copyable_v<ExportRow>, "rows are written as they are");

bool IsBefore(const ExportRow& a, const ExportRow& b) { return a.at < b.at; }

}  // namespace

base::Status ExportRows::Add(const ExportRow& row) {
  rows_.push_back(row);
  return rows_.size() < in_memory_max_ ? base::OkStatus() : WriteRun();
}

base::Status ExportRows::OpenFile() {
  if (file_.valid()) return base::OkStatus();
  std::string name = folder_ + "/tollgate-export.XXXXXX";
  file_.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_.valid()) {
    return base::ErrnoError("a temporary file cannot be made in " + folder_ +
                            "; set TMPDIR to a folder that can be written to");
  }
  ::unlink(name.c_str());
  return base::OkStatus();
}

base::Status ExportRows::WriteRun() {
  if (auto status = OpenFile(); !status.ok()) return status;
  std::sort(rows_.begin(), rows_.end(), IsBefore);
  const int64_t begin = runs_.empty() ? 0 : runs_.back().end_byte;
  const auto bytes = static_cast<int64_t>(rows_.size() * sizeof(ExportRow));
  const auto* const data = reinterpret_cast<const char*>(rows_.data());
  for (int64_t done = 0; done < bytes;) {
    const ssize_t wrote =
        ::pwrite(file_.get(), data + done, static_cast<size_t>(bytes - done), begin + done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      return base::ErrnoError("the temporary file in " + folder_ +
                              " cannot be written to; make room there, or set TMPDIR to another "
                              "folder");
    }
    done += wrote;
  }
  runs_.push_back({.next_byte = begin, .end_byte = begin + bytes, .rows = {}});
  rows_.clear();
  return base::OkStatus();
}

base::Status ExportRows::Sort() {
  std::sort(rows_.begin(), rows_.end(), IsBefore);
  // What is in memory is the last run.
  const int64_t end = runs_.empty() ? 0 : runs_.back().end_byte;
  runs_.push_back({.next_byte = end, .end_byte = end, .rows = std::move(rows_)});
  for (Run& run : runs_) {
    if (auto status = Read(run); !status.ok()) return status;
    if (!run.rows.empty()) heads_.push_back(&run);
  }
  std::make_heap(heads_.begin(), heads_.end(), IsBehind);
  return base::OkStatus();
}

bool ExportRows::IsBehind(const Run* a, const Run* b) {
  return IsBefore(b->rows[b->taken], a->rows[a->taken]);
}

// Reads on in a run if all its rows are taken.
base::Status ExportRows::Read(Run& run) {
  if (run.taken < run.rows.size() || run.next_byte == run.end_byte) return base::OkStatus();
  const auto left = static_cast<size_t>(run.end_byte - run.next_byte) / sizeof(ExportRow);
  run.rows.resize(std::min(left, kReadMax));
  run.taken = 0;
  const auto bytes = static_cast<int64_t>(run.rows.size() * sizeof(ExportRow));
  auto* const data = reinterpret_cast<char*>(run.rows.data());
  for (int64_t done = 0; done < bytes;) {
    const ssize_t read =
        ::pread(file_.get(), data + done, static_cast<size_t>(bytes - done), run.next_byte + done);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) {
      return base::ErrnoError("the temporary file in " + folder_ + " cannot be read");
    }
    done += read;
  }
  run.next_byte += bytes;
  return base::OkStatus();
}

base::Result<std::optional<ExportRow>> ExportRows::Take() {
  if (heads_.empty()) return std::optional<ExportRow>();
  std::pop_heap(heads_.begin(), heads_.end(), IsBehind);
  Run& run = *heads_.back();
  const ExportRow row = run.rows[run.taken++];
  if (auto status = Read(run); !status.ok()) return status.error();
  if (run.taken == run.rows.size()) {
    heads_.pop_back();
  } else {
    std::push_heap(heads_.begin(), heads_.end(), IsBehind);
  }
  return std::optional(row);
}

base::Result<std::optional<ExportRow>> ExportRows::Next() {
  while (true) {
    auto row = Take();
    if (!row.ok() || !row.value() || row.value()->at != last_) {
      if (row.ok() && row.value()) last_ = row.value()->at;
      return row;
    }
  }
}

}  // namespace tollgate::app

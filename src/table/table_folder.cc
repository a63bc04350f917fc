// The tables of a data folder, from outside: their names, their locks, what they hold.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "table/processor_names.h"
#include "table/table_file.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {

std::string TableFileName(std::string_view address) {
  std::string name;
  for (const char c : address) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name + ".table";
}

std::vector<std::string> ListTables(const std::string& data_dir) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir, error)) {
    if (entry.path().extension() == ".table") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsLocked(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd.valid() && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

base::Result<TableFacts> ReadFacts(const std::string& path) {
  TableFile file;
  const auto status = file.Open(path, 0, false);
  if (!status.ok()) return status.error();
  const TableHeader& header = file.header();
  return TableFacts{
      .table = header.table, .books = header.books, .told_before = header.ledger_run_id[0] != 0};
}

base::Result<std::vector<PaymentTable::Snapshot>> ReadPending(
    const std::string& path, payments::ProcessorDirectory& directory) {
  TableFile file;
  auto status = file.Open(path, 0, false);
  if (!status.ok()) return status.error();
  ProcessorNames names(directory);
  status = names.Load(file.header());
  if (!status.ok()) return status.error();
  std::vector<PaymentTable::Snapshot> pending;
  for (size_t i = 0; i < file.header().slots; ++i) {
    const Slot& slot = file.slots()[i];
    SlotStatus state = UnpackStatus(slot.status.load(std::memory_order_acquire));
    if (state.state == SlotState::kFree || state.state == SlotState::kFreeBooked) continue;
    if (slot.checksum != PaymentChecksum(slot)) continue;
    state.processor = names.ToDirectory(state.processor);
    pending.push_back({.payment = slot.payment,
                       .accepted_at_ms = slot.accepted_at_ms,
                       .generation = slot.generation,
                       .claim_epoch = slot.claim_epoch.load(std::memory_order_relaxed),
                       .status = state});
  }
  std::stable_sort(pending.begin(), pending.end(), [](const auto& a, const auto& b) {
    return a.accepted_at_ms < b.accepted_at_ms;
  });
  return pending;
}

}  // namespace tollgate::table

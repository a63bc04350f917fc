// What a table holds, read without opening it for work.
#include <algorithm>

#include "table/payment_rules.h"
#include "table/processor_names.h"
#include "table/table_file.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {

base::Result<TableFacts> ReadFacts(const std::string& path) {
  TableFile file;
  const auto status = file.OpenToShow(path);
  if (!status.ok()) return status.error();
  const TableHeader& header = file.header();
  return TableFacts{
      .table = header.table, .books = header.books, .known_to_books = header.ledger_run_id[0] != 0};
}

base::Result<std::vector<PaymentTable::Snapshot>> ReadPending(
    const std::string& path, payments::ProcessorDirectory& directory) {
  TableFile file;
  auto status = file.OpenToShow(path);
  if (!status.ok()) return status.error();
  ProcessorNames names(directory);
  status = names.Load(file.header(), [&file](payments::ProcessorId index) {
    return MayHoldWhatWasSent(file, index);
  });
  if (!status.ok()) return status.error();
  std::vector<PaymentTable::Snapshot> pending;
  for (size_t i = 0; i < file.header().slots; ++i) {
    const Slot& slot = file.slots()[i];
    SlotStatus state = UnpackStatus(slot.status.load(std::memory_order_acquire));
    if (state.state == SlotState::kFree || state.state == SlotState::kFreeBooked) continue;
    if (slot.checksum != PaymentChecksum(slot) || !IsPayment(slot)) continue;
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

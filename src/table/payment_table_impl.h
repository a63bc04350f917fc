// The payment table behind PaymentTable. payment_table.cc has the slots, payment_table_books.cc has
// what the table remembers of its books.
//
// Thread: as PaymentTable says.
// Owns: the file, the queues of free and resting slots, the group commit.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "table/committer.h"
#include "table/processor_names.h"
#include "table/rest_clock.h"
#include "table/table_file.h"
#include "tollgate/base/index_stack.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {

inline TableIdentity IdentityIn(const TableHeader& header) {
  return {.table = header.table,
          .incarnation = header.incarnation,
          .nonce = header.nonce,
          .predecessors = header.predecessors};
}

template <size_t kSize>
void SetText(std::array<char, kSize>& text, std::string_view value) {
  text.fill(0);
  std::copy_n(value.data(), std::min(value.size(), kSize - 1), text.data());
}

struct PaymentTable::Impl {
  explicit Impl(const TableOptions& options_in, payments::ProcessorDirectory& directory)
      : options(options_in),
        names(directory),
        rest_clock(static_cast<uint64_t>(options_in.rest_ms)) {}

  base::Status Open();
  void Scan();
  bool IsSound(const Slot& slot, const SlotStatus& status) const;
  SlotStatus Unpack(uint64_t word) const;
  uint64_t Pack(const SlotStatus& status) const;
  void DirtyAll();
  void Forget(const Slot& slot);
  std::optional<SlotIndex> TakeFree();
  uint32_t TableSeconds() const;

  Slot* Slots() const { return file.slots(); }
  Slot& At(SlotIndex slot) const { return file.slots()[NumberOf(slot)]; }

  const TableOptions options;
  TableFile file;
  ProcessorNames names;
  TableIdentity identity;
  RecoveryReport report;
  size_t slot_count = 0;
  uint64_t table_s_at_open = 0;  // see TableSeconds
  RestClock rest_clock;
  std::unique_ptr<base::IndexStack<>> free;           // hold nothing that could be replayed
  std::unique_ptr<base::MpmcRing<uint64_t>> resting;  // in the order in which they were freed
  mutable std::mutex header_mutex;                    // guards the header in `file`, and `identity`
  std::atomic<bool> was_current{false};
  // The number of the books when the last replay was complete; 0: none since the opening. Relaxed
  // loads: an older value only makes Forget report more.
  std::atomic<uint64_t> sent_number{0};
  std::atomic<bool> fenced{false};
  // Last, so that its thread ends before what it syncs is destroyed.
  std::unique_ptr<Committer> committer;
};

}  // namespace tollgate::table

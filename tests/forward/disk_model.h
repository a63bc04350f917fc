// DiskModel: what a power loss leaves of a table's file: the last synced image, plus a random part
// of the later writes. A slot is within one sector. It is left as it was at some moment since the
// last sync that covers it; different slots may be left at different moments.
//
// It watches the slots from outside (Observe before every step), so the table itself is the real
// one. A sync that fails leaves pages that the kernel takes for clean although they were not
// written. They are written again only after they were dirtied again.
//
// Thread: one simulation's.
// Invariants: a slot's first version is the one that is certainly on disk; the last one is in
// memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/forward/timeline.h"
#include "tollgate/table/slot.h"

namespace tollgate::simulation {

class DiskModel {
 public:
  explicit DiskModel(Timeline& timeline) : timeline_(timeline) {}

  // One sync in `sync_fails` fails; 0: none.
  void SetFaults(uint64_t sync_fails) { sync_fails_ = sync_fails; }

  // The table at `path` was opened, which synced it; its slots are at `slots`.
  void Open(const std::string& path, const table::Slot* slots, size_t count);
  // Its process has ended; the pages that it wrote are still in the kernel.
  void Close();
  // Records what has changed.
  void Observe();

  // A sync begins: it writes the pages that are dirty now.
  void BeginSync();
  // The sync ends; if none had begun, a whole sync happens now. Returns 0 or errno.
  int Sync();
  // The page of this slot was dirtied without a change.
  void Dirtied(size_t slot);

  // Writes into the file what is on disk. REQUIRES: closed.
  void LosePower();

 private:
  static constexpr size_t kWords = sizeof(table::Slot) / sizeof(uint64_t);
  static constexpr size_t kSlotsPerPage = 4096 / sizeof(table::Slot);
  using Image = std::array<uint64_t, kWords>;
  struct Page {
    bool dirty = false;
    bool in_sync = false;
  };
  struct History {
    std::vector<Image> versions;
    size_t in_sync = 0;  // the version that the open sync writes
  };

  void Written(size_t slot, size_t version);

  Timeline& timeline_;
  std::string path_;
  const table::Slot* slots_ = nullptr;
  std::vector<History> histories_;
  std::vector<Page> pages_;
  std::string header_;  // as it was when the table was opened; what was synced since stays
  uint64_t sync_fails_ = 0;
  bool syncing_ = false;
};

}  // namespace tollgate::simulation

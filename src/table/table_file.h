// TableFile: the file behind a payment table: lock, header, preallocated slots, mapping.
//
// The header is stored twice, each copy in its own page with a serial number and a checksum. A
// change overwrites the older copy, so one good copy exists at every moment.
//
// Thread: Open one thread; header changes under the lock of their caller.
// Owns: descriptor, lock and mapping.
// Invariants: a file that is not ours, or newer than we know, is never written to.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "table/mapping_watch.h"
#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"
#include "tollgate/payments/limits.h"
#include "tollgate/table/slot.h"

namespace tollgate::table {

inline constexpr size_t kHeaderBytes = 4096;
inline constexpr size_t kSlotsOffset = 2 * kHeaderBytes;
// In version 1 the header ended after `names`, with its checksum. It is read, and written as
// version 2.
inline constexpr uint32_t kTableVersion = 2;
inline constexpr size_t kSlotsMax = size_t{1} << 24U;

struct TableHeader {
  std::array<char, 8> magic{'T', 'O', 'L', 'L', 'G', 'A', 'T', 'E'};
  uint32_t version = kTableVersion;
  uint32_t slot_bytes = sizeof(Slot);
  uint64_t slots = 0;
  payments::Uuid table;
  uint64_t incarnation = 0;
  uint64_t nonce = 0;
  uint64_t serial = 0;  // of this copy; the higher of two good ones counts
  std::array<char, 48> ledger_run_id{};
  // The processors' names by the index that this file's slots use; zero-terminated, append-only.
  std::array<std::array<char, payments::kProcessorNameBytesMax + 1>, payments::kProcessorsMax>
      names{};
  // The hash of the processor's identity for each of these names; 0: not known.
  std::array<uint64_t, payments::kProcessorsMax> identities{};
  payments::Uuid books{};  // the books that the claims of this table are in; 0: not known
  // Ids that this table had before it took another one (PaymentTable::TakeNewIdentity).
  std::array<payments::Uuid, payments::kPredecessorsMax> predecessors{};
  uint64_t checksum = 0;  // over all members before it
};

// These change with every call to the books, so they are stored like a slot and not written like a
// header. They are at the end of the first header's page. Each word is sealed
// (table/sealed_number.h).
struct LiveWords {
  std::atomic<uint64_t> number{0};     // the highest that the books have confirmed
  std::atomic<uint64_t> forgotten{0};  // the highest of a record that no slot holds any more
};
inline constexpr size_t kLiveWordsAt = kHeaderBytes - sizeof(Slot);
static_assert(sizeof(TableHeader) <= kLiveWordsAt && sizeof(LiveWords) <= sizeof(Slot));

uint64_t RandomNumber();  // from the kernel

template <size_t kSize>
void SetText(std::array<char, kSize>& text, std::string_view value) {
  text.fill(0);
  std::copy_n(value.data(), std::min(value.size(), kSize - 1), text.data());
}

class TableFile {
 public:
  TableFile() = default;
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;
  ~TableFile();

  struct OpenRules {
    size_t slots = 0;  // of a new file
    bool create = true;
    size_t slots_max = kSlotsMax;  // a larger file is not taken over
    int64_t lock_wait_ms = 0;      // for a shared lock (IsLockedByOther)
  };
  // Opens `path` for work and locks it for this process, or creates it. Waits for nothing but a
  // shared lock, follows no link, and uses no file that another user may have written.
  base::Status Open(const std::string& path, const OpenRules& rules);
  // Maps any user's file read-only, without a lock.
  base::Status OpenToShow(const std::string& path);
  // An anonymous mapping.
  base::Status OpenMemory(size_t slots);

  bool created() const { return created_; }
  TableHeader& header() { return header_; }
  const TableHeader& header() const { return header_; }
  // Writes the header as it is now; syncs it if `sync`.
  base::Status WriteHeader(bool sync);
  // fdatasync of the whole file; returns 0 or errno.
  int Sync() const;
  // Removes the name of the opened file, if `path` still names this file.
  void Remove(const std::string& path) const;

  Slot* slots() const { return slots_; }
  // REQUIRES: open for writing.
  LiveWords& live() const { return *live_; }

 private:
  base::Status OpenFile(const std::string& path, const OpenRules& rules);
  base::Status Create(const std::string& path, size_t slots);
  base::Status ReadHeader(const std::string& path, size_t slots_max);
  base::Status Map(const std::string& path, bool write);

  base::UniqueFd fd_;
  TableHeader header_;
  void* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
  std::optional<MappingWatch> watch_;
  Slot* slots_ = nullptr;
  LiveWords memory_live_;  // of an anonymous mapping
  LiveWords* live_ = nullptr;
  bool created_ = false;
};

}  // namespace tollgate::table

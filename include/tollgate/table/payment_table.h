// PaymentTable: a fixed array of 64-byte slots in one memory-mapped file, and the queues of free
// slots. It survives a crash.
//
// Thread: Open and Close one thread. Acquire any (acceptors). SetStatus and Release the slot's
// owner. Reading any.
// Owns: the file's exclusive lock, its mapping, the queues in memory.
// Invariants: the file is preallocated by writing, so a full disk is an error at Open and no SIGBUS
// later. A slot that was freed as kFreeBooked rests: it is reused only after the books have
// answered for `rest_ms`. Resting slots are reused first-in first-out. Slots freed as kFree need no
// rest and are taken first.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tollgate/base/index_stack.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/base/result.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/commit_listeners.h"
#include "tollgate/table/durability.h"
#include "tollgate/table/slot.h"
#include "tollgate/table/slot_index.h"

namespace tollgate::table {

// The parts of a table (src/table).
class Committer;
class ProcessorNames;
class RestClock;
class TableFile;
struct TableHeader;

// How long a slot freed as kFreeBooked rests, while the books answer.
inline constexpr int64_t kRestMs = 5000;

struct TableOptions {
  std::string path;  // unused for kMemory
  Durability durability = Durability::kProcess;
  size_t slots = 65536;  // of a new file; an existing file keeps its size
  // 0: adopt the table of an instance that is gone, if it has at most this many slots.
  size_t adopt_slots_max = 0;
  int64_t lock_wait_ms = 0;  // waits for processes that only look at the table
  int64_t rest_ms = kRestMs;
  int64_t sync_interval_us = 1000;  // kDisk: longest wait of a commit for more payments
  size_t sync_batch_max = 4096;     // kDisk: payments that start a commit at once
  // For tests. sync_for_test replaces fdatasync and returns 0 or errno. dirtied_for_test gets the
  // first slot of each page that becomes dirty again.
  std::function<int()> sync_for_test = nullptr;
  std::function<void(size_t)> dirtied_for_test = nullptr;
};

// What identifies the table to the ledger: the table and its opening. It does not depend on host
// names, pids or workers.
struct TableIdentity {
  payments::Uuid table;
  uint64_t incarnation = 0;  // raised at every opening
  uint64_t nonce = 0;        // random per opening: distinguishes it from a copied table's
  std::array<payments::Uuid, payments::kPredecessorsMax> predecessors{};  // ids that it had before
};

struct RecoveryReport {
  size_t unfinished = 0;
  size_t damaged = 0;  // set aside: not reused, not sent, not changed
  size_t resting = 0;
  bool created = false;
  // Payments that may have been sent to a processor that is not configured, or whose identity has
  // changed. They are not sent again.
  std::map<payments::ProcessorId, size_t> sent_to_strangers;
  std::vector<SlotIndex> to_continue;  // with unfinished payments, oldest accepted first
};

// The code of Open's error, instead of errno, for a file of another user.
inline constexpr int kNotOurs = -1;

class PaymentTable {
 public:
  // Opens or creates, locks and scans the file. The error says what to do. Causes: a header that is
  // foreign or newer, another process's lock (EWOULDBLOCK), another user's file (kNotOurs), too
  // many slots to adopt (EFBIG), a full or read-only disk. It never overwrites a file that it does
  // not know. Names in the file's header that `directory` lacks are added to it.
  static base::Result<std::unique_ptr<PaymentTable>> Open(const TableOptions& options,
                                                          payments::ProcessorDirectory& directory);
  ~PaymentTable();

  TableIdentity identity() const;  // takes a lock
  const RecoveryReport& recovery() const { return report_; }
  size_t slot_count() const { return slot_count_; }
  const std::string& path() const { return options_.path; }
  Durability durability() const { return options_.durability; }

  // For a table that is finished. Removes the path if it still names this file.
  void RemoveFile();

  // Takes a free slot, writes the payment and publishes it as kAccepted. Empty if no slot is free
  // and rested, or the disk has failed. Thread: any. Makes no system call.
  std::optional<SlotIndex> Acquire(const payments::Payment& payment, int64_t wall_now_ms);
  // Frees the slot as kFree, or as kFreeBooked, which rests. REQUIRES: status.state is one of
  // these, and the caller owns the slot.
  void Release(SlotIndex slot, const SlotStatus& status);

  // True if a slot's status can name `processor`. A name added after this table was opened is first
  // written into its header. False if that failed or the id has no name. Thread: any.
  bool CanHold(payments::ProcessorId processor);
  // One release store; partner: Status. REQUIRES: the caller owns the slot. Its processor is none,
  // configured, known to the table from its opening, or CanHold returned true for it.
  void SetStatus(SlotIndex slot, const SlotStatus& status);
  SlotStatus Status(SlotIndex slot) const;  // acquire; partner: SetStatus and Acquire
  // REQUIRES: the caller owns the slot.
  const Slot& At(SlotIndex slot) const;
  void SetClaimEpoch(SlotIndex slot, uint32_t epoch);

  // A consistent copy of a slot that the caller does not own. Empty if it changed meanwhile or its
  // checksum is wrong.
  struct Snapshot {
    payments::Payment payment;
    int64_t accepted_at_ms = 0;
    uint32_t generation = 0;
    uint32_t claim_epoch = 0;
    SlotStatus status;
  };
  std::optional<Snapshot> Read(SlotIndex slot) const;
  // The id in a slot that is not free, without its checksum. For searching one payment among many.
  // The id may be wrong if the slot changes meanwhile, so confirm it with Read.
  std::optional<payments::Uuid> IdAtFirstLook(SlotIndex slot) const;

  // The approximate number of slots that are not free. Thread: any.
  size_t UsedApprox() const;

  // Group commit (kDisk). A ticket covers all stores before it was taken. It is committed once
  // CommittedTicket() reaches it. At the other levels CommittedTicket() is UINT64_MAX. Thread: any.
  // TakeTicket wakes the syncing thread if it sleeps.
  uint64_t TakeTicket();
  uint64_t CommittedTicket() const;
  // Calls the function on the syncing thread after every commit, as long as the returned listener
  // exists. For waking loops. The table and the loop may end in any order.
  CommitListener AddCommitListener(std::function<void()> on_commit);
  // Starts the syncing thread. Does nothing at the other levels. Tickets wait until then.
  void StartCommits();
  // False while syncs fail (a full or dead disk). Acquire then returns nothing.
  bool healthy() const;
  // The steps of the syncing thread, for a simulation without it. TryCommit does one sync. It
  // returns false if the sync failed and must be tried again.
  bool CommitWanted() const;
  void BeginCommit();
  bool TryCommit();

  // Marks this opening as the newest that the ledger knows. Thread: any.
  void MarkCurrent();
  // The ledger refuses this opening because it knows a newer one of the same table. If this one was
  // current, a copy of the table is in use elsewhere. Then this one is fenced, Acquire returns
  // nothing, and the next opening will be newer than the copy's. Thread: any (takes a lock).
  void Fence();
  bool fenced() const { return fenced_.load(std::memory_order_relaxed); }
  // This opening was never current: the file is an older copy of a table that was used further. It
  // continues under a new table id, so claims that the other copy has made belong to another owner.
  // `refused` is the id that was refused. If the table has another id by now, nothing changes,
  // because another worker was faster. Returns false if it could not be stored. Thread: any (takes
  // a lock).
  bool TakeNewIdentity(const payments::Uuid& refused);

  // The books with this table's claims. Zero: none yet. Thread: any (takes a lock).
  payments::Uuid Books() const;
  // Synced. Returns false, without a change, if it could not be stored.
  bool SetBooks(const payments::Uuid& id);
  // The number of the books (ledger/books_memory.h). Thread: any. No lock, no system call.
  uint64_t LedgerNumber() const;
  void ConfirmLedgerNumber(uint64_t number);
  // After a loss of the books: sets the number to `to` if it is `from` or lower.
  void AdvanceLedgerNumber(uint64_t from, uint64_t to);
  // The books have answered at `monotonic_ns`. Slots rest only while they answer. Thread: any.
  void BooksAnswered(int64_t monotonic_ns);
  // Milliseconds since the opening during which the books have answered, without those that a loss
  // made void. A slot has rested once `rest_ms` of them have passed since it was freed. Thread:
  // any.
  uint64_t RestClockMs() const;
  // Records with this number or a lower one may no longer be in any slot.
  uint64_t ForgottenNumber() const;

  // The ledger's last known run_id. It is kept in the header, so that after a restart the table
  // shows whether Redis restarted too. 40 characters, empty if never known. Thread: any (takes a
  // lock).
  std::string LastLedgerRunId() const;
  void SetLedgerRunId(std::string_view run_id);

 private:
  PaymentTable(const TableOptions& options, payments::ProcessorDirectory& directory);

  // --- payment_table.cc: the slots
  base::Status OpenAndScan();
  void Scan();
  bool IsSound(const Slot& slot, const SlotStatus& status) const;
  SlotStatus Unpack(uint64_t word) const;
  uint64_t Pack(const SlotStatus& status) const;
  void DirtyAll();
  std::optional<SlotIndex> TakeFree();
  uint32_t TableSeconds() const;
  Slot* Slots() const;
  Slot& SlotAt(SlotIndex slot) const;

  // --- payment_table_books.cc: what the table remembers of its books
  static TableIdentity IdentityIn(const TableHeader& header);
  void Forget(const Slot& slot);

  const TableOptions options_;
  const std::unique_ptr<TableFile> file_;
  const std::unique_ptr<ProcessorNames> names_;
  TableIdentity identity_;
  RecoveryReport report_;
  size_t slot_count_ = 0;
  uint64_t table_s_at_open_ = 0;  // see TableSeconds
  const std::unique_ptr<RestClock> rest_clock_;
  std::unique_ptr<base::IndexStack<>> free_;           // hold nothing that could be replayed
  std::unique_ptr<base::MpmcRing<uint64_t>> resting_;  // in the order in which they were freed
  mutable std::mutex header_mutex_;  // guards the header in `file_`, and `identity_`
  std::atomic<bool> was_current_{false};
  // The number of the books when the last replay was complete; 0: none since the opening. Relaxed
  // loads: an older value only makes Forget report more.
  std::atomic<uint64_t> sent_number_{0};
  std::atomic<bool> fenced_{false};
  // Last, so that its thread ends before what it syncs is destroyed.
  std::unique_ptr<Committer> committer_;
};

// From now on, if the file of a table in use is truncated, the process ends with a message on
// stderr and this exit code (EX_IOERR of sysexits.h) instead of only a signal.
inline constexpr int kTableLostExitCode = 74;
void ExitWithAWordIfATableIsLost();

// What `tollgate pending` shows of a file. Reads it without a lock.
base::Result<std::vector<PaymentTable::Snapshot>> ReadPending(const std::string& path,
                                                              payments::ProcessorDirectory& names);

// The identity in a file's header. Reads it without a lock.
struct TableFacts {
  payments::Uuid table;
  payments::Uuid books;         // zero: none yet, or an earlier version did not store it
  bool known_to_books = false;  // it has a ledger's run
};
base::Result<TableFacts> ReadFacts(const std::string& path);

// The file name for an instance that listens on `address`: a safe name that ends in ".table".
std::string TableFileName(std::string_view address);
// The tables in a folder, by path, in alphabetical order.
std::vector<std::string> ListTables(const std::string& data_dir);
// True if a process uses the table.
bool IsLocked(const std::string& path);

}  // namespace tollgate::table

// PaymentTable: a fixed array of 64-byte slots in one memory-mapped file, and the queues of free
// slots. It is what survives a crash.
//
// Thread: Open and Close one thread; Acquire any (acceptors); SetStatus and Release the slot's
// owner; reading any.
// Owns: the file's exclusive lock, its mapping, the queues in memory.
// Invariants: the file is preallocated by writing, so that a full disk is an error at Open and no
// SIGBUS later. A slot that was freed with something to tell is not used again before the books
// have answered for `rest_ms` since; those that rest are reused first-in first-out, and stand in
// nobody's way: slots with nothing to tell are taken first, and need no rest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/payments/limits.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/table/commit_listeners.h"
#include "tollgate/table/durability.h"
#include "tollgate/table/slot.h"

namespace tollgate::table {

// How long a slot that was freed with something to tell keeps it, while the books answer.
inline constexpr int64_t kRestMs = 5000;

struct TableOptions {
  std::string path;  // unused for kMemory
  Durability durability = Durability::kProcess;
  size_t slots = 65536;  // of a new file; an existing file of another size is taken over whole
  // > 0: the table of an instance that is gone, to be finished if it has no more slots than that.
  size_t adopt_slots_max = 0;
  int64_t lock_wait_ms = 0;  // for who only looks at it and does not work on it
  int64_t rest_ms = kRestMs;
  int64_t sync_interval_us = 1000;  // kDisk: longest wait of a commit for company
  size_t sync_batch_max = 4096;     // kDisk: payments that start a commit at once
  // For tests: in place of fdatasync, 0 or errno; and told of each page that is dirtied again, by
  // its first slot.
  std::function<int()> sync_for_test = nullptr;
  std::function<void(size_t)> dirtied_for_test = nullptr;
};

// Who writes to the ledger: the table, and which opening of it. Survives host names, pids, workers.
struct TableIdentity {
  payments::Uuid table;
  uint64_t incarnation = 0;  // raised at every opening
  uint64_t nonce = 0;        // random per opening: tells a copied table's opening from ours
  std::array<payments::Uuid, payments::kPredecessorsMax> predecessors{};  // ids it had before
};

struct RecoveryReport {
  size_t unfinished = 0;
  size_t damaged = 0;  // set aside: not reused, not sent, kept as they are
  size_t resting = 0;
  bool created = false;
  // Payments that may have been sent to a processor that is not configured, or not as what it was
  // then: they are not sent again.
  std::map<payments::ProcessorId, size_t> sent_to_strangers;
  std::vector<uint32_t> to_continue;  // slots with work left, oldest accepted first
};

// The code of Open's error, in place of errno, for a file that another user has put there.
inline constexpr int kNotOurs = -1;

class PaymentTable {
 public:
  // Opens or creates, locks and scans. Fails, with what to do, on: a foreign or newer header,
  // a lock held by another process (EWOULDBLOCK), another user's file (kNotOurs), one with too many
  // slots to adopt (EFBIG), a full or read-only disk. Never overwrites what it does not know. Names
  // in the file's header that `directory` lacks are added to it.
  static base::Result<std::unique_ptr<PaymentTable>> Open(const TableOptions& options,
                                                          payments::ProcessorDirectory& directory);
  ~PaymentTable();

  TableIdentity identity() const;  // takes a lock
  const RecoveryReport& recovery() const;
  size_t slot_count() const;
  const std::string& path() const;
  Durability durability() const;

  // For a table that is finished: its name is taken away, if it still is that of this file.
  void RemoveFile();

  // Takes a free slot, writes the payment, publishes it as kAccepted. Nothing if no slot is free
  // and rested, or the disk has failed. Thread: any. No system call.
  std::optional<uint32_t> Acquire(const payments::Payment& payment, int64_t wall_now_ms);
  // Frees the slot as kFree, or as kFreeBooked, which rests.
  // REQUIRES: status.state is one of these; the caller owns the slot.
  void Release(uint32_t slot, const SlotStatus& status);

  // Can a slot say that it is at `processor`? A name that came up after this table was opened is
  // written into its header first; false: it could not be, or it is no processor's. Thread: any.
  bool CanHold(payments::ProcessorId processor);
  // One release store. REQUIRES: the caller owns the slot; its processor is none, a configured one,
  // one that the table knows from its opening, or CanHold said yes.
  void SetStatus(uint32_t slot, const SlotStatus& status);
  SlotStatus Status(uint32_t slot) const;  // acquire; partner: SetStatus and Acquire
  // REQUIRES: the caller owns the slot.
  const Slot& At(uint32_t slot) const;
  void SetClaimEpoch(uint32_t slot, uint32_t epoch);

  // A consistent copy of a slot that the caller does not own; nothing if it changed meanwhile or
  // its checksum is wrong.
  struct Snapshot {
    payments::Payment payment;
    int64_t accepted_at_ms = 0;
    uint32_t generation = 0;
    uint32_t claim_epoch = 0;
    SlotStatus status;
  };
  std::optional<Snapshot> Read(uint32_t slot) const;
  // The id in a slot that is not free, without its checksum: the way to a payment among many. If
  // the slot changes hands meanwhile it may be anything; Read tells for sure.
  std::optional<payments::Uuid> IdAtFirstLook(uint32_t slot) const;

  // How many slots are not free, about. Thread: any.
  size_t UsedApprox() const;

  // Group commit (kDisk). A ticket covers all stores made before it was taken; it is committed once
  // CommittedTicket() reaches it. With the other levels CommittedTicket() is UINT64_MAX.
  // Thread: any; TakeTicket wakes the syncing thread if it sleeps.
  uint64_t TakeTicket();
  uint64_t CommittedTicket() const;
  // Called on the syncing thread after every commit, for as long as what is returned lives; for
  // waking loops. The table and the loop may end in any order.
  CommitListener AddCommitListener(std::function<void()> on_commit);
  // Starts the syncing thread; does nothing with the other levels. Tickets wait until then.
  void StartCommits();
  // False while syncs fail (a full or dead disk); Acquire gives nothing then.
  bool healthy() const;
  // The steps of that thread, for a simulation that does not start it. TryCommit: one sync; false:
  // it failed, and has to be tried again.
  bool CommitWanted() const;
  void BeginCommit();
  bool TryCommit();

  // The ledger has known this opening as the newest. Thread: any.
  void MarkCurrent();
  // The ledger refuses this opening, for it knows a newer one of the same table. If this one was
  // current, a copy of it is at work elsewhere: it is fenced from now on, Acquire gives nothing,
  // and the next opening will be newer than the copy's. Thread: any (takes a lock).
  void Fence();
  bool fenced() const;
  // This opening was never current: the file is an older copy of a table that has gone on. What it
  // holds goes on under a table id of its own: whatever the copy's other life has claimed is
  // another owner's. `refused` is the id that was refused; with another id nothing is changed, as
  // another worker was faster. False: it could not be stored. Thread: any (takes a lock).
  bool TakeNewIdentity(const payments::Uuid& refused);

  // The books that the claims of this table are in; zero: none yet. Thread: any (takes a lock).
  payments::Uuid Books() const;
  // Synced; false: it could not be stored, and is not changed.
  bool SetBooks(const payments::Uuid& id);
  // The number of the books (ledger/books_memory.h). Thread: any; no lock, no system call.
  uint64_t LedgerNumber() const;
  void ConfirmLedgerNumber(uint64_t number);
  // They have lost something: sets it to `to`, if it is still `from` or lower.
  void AdvanceLedgerNumber(uint64_t from, uint64_t to);
  // They have answered; slots rest only while they do. `monotonic_ns`: when. Thread: any.
  void BooksAnswered(int64_t monotonic_ns);
  // Milliseconds since the opening for which they have answered, without those that a loss made
  // void: a slot that was freed before `rest_ms` of them has rested. Thread: any.
  uint64_t RestClockMs() const;
  // Records with this number or a lower one may be in no slot any more.
  uint64_t ForgottenNumber() const;

  // The ledger's run_id as last known, kept in the header, so that a restart sees that Redis
  // restarted as well. 40 characters, empty if never known. Thread: any (takes a lock).
  std::string LastLedgerRunId() const;
  void SetLedgerRunId(std::string_view run_id);

 private:
  PaymentTable();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// From now on, a table in use whose file is truncated ends the process with a word on stderr and
// this exit code (EX_IOERR of sysexits.h) in place of a bare signal.
inline constexpr int kTableLostExitCode = 74;
void ExitWithAWordIfATableIsLost();

// What `tollgate pending` shows of a file without opening it for work (no lock, read-only).
base::Result<std::vector<PaymentTable::Snapshot>> ReadPending(const std::string& path,
                                                              payments::ProcessorDirectory& names);

// Whose a file is, by its header, without opening it for work.
struct TableFacts {
  payments::Uuid table;
  payments::Uuid books;         // zero: told to none yet, or by a version that did not note it
  bool known_to_books = false;  // it has a ledger's run
};
base::Result<TableFacts> ReadFacts(const std::string& path);

// The file of an instance that listens on `address`: a safe name that ends in ".table".
std::string TableFileName(std::string_view address);
// The tables in a folder, by path, in alphabetical order.
std::vector<std::string> ListTables(const std::string& data_dir);
// True if a process has it open for work.
bool IsLocked(const std::string& path);

}  // namespace tollgate::table

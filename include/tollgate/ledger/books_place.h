// BooksPlace: where a fleet's books are. It makes the objects that speak to them, so that nobody
// else needs to know which place it is.
//
// Thread: the main thread's before the loops run, or any loop's for an object of its own.
// Invariants: the place outlives what it makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tollgate/ledger/books.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/file_options.h"
#include "tollgate/ledger/lease.h"
#include "tollgate/ledger/record_barrier.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/ledger/silent_claims.h"
#include "tollgate/ledger/sum_nodes.h"
#include "tollgate/ledger/table_ledger.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

struct QueryLimits {
  int64_t timeout_ms = 900;  // from the question to the answer, with all waits
  size_t queries_max = 256;  // that wait at once
};

// `memory`: that of the instance's table. In other books than its own, nothing is read, changed or
// taken. Null: any books are used, also those that lack payments. Names that only the books know
// are added to a `directory`.
class BooksPlace {
 public:
  virtual ~BooksPlace() = default;
  // For a command, before it reads: what keeps it from that and does not pass by itself, and what
  // to do. Empty: nothing that is known. It may wait for a disk.
  virtual std::string WhyUnreadable() const { return {}; }
  // `known_run_id`: the run of the books that has heard all that the table holds, empty if none.
  virtual std::unique_ptr<TableLedger> MakeLedger(net::EventLoop& loop,
                                                  payments::ProcessorDirectory& directory,
                                                  const std::string& known_run_id,
                                                  BooksMemory* memory) = 0;
  virtual std::unique_ptr<Books> MakeBooks(net::EventLoop& loop,
                                           payments::ProcessorDirectory& directory,
                                           const BooksMemory* memory,
                                           const QueryLimits& limits) = 0;
  virtual std::unique_ptr<LeaseStore> MakeLeaseStore(net::EventLoop& loop,
                                                     const BooksMemory* memory) = 0;
  // Null: summaries do not wait for what is being recorded. `ledger`: the worker's own.
  virtual std::unique_ptr<WorkerBarrier> MakeBarrier(net::EventLoop& loop, RecordGate& gate,
                                                     TableLedger& ledger) = 0;
  virtual std::unique_ptr<SilentClaims> MakeSilentClaims(net::EventLoop& loop) = 0;
  virtual std::unique_ptr<ClaimReader> MakeClaimReader(net::EventLoop& loop,
                                                       payments::ProcessorDirectory& directory) = 0;
  virtual std::unique_ptr<SumNodes> MakeSumNodes(net::EventLoop& loop,
                                                 payments::ProcessorDirectory& directory) = 0;
};

// Who reports what is wrong with a connection to Redis. What the others of a gateway meet is the
// same as its ledgers meet.
enum class Reporting : uint8_t { kLedgers, kAll };

std::unique_ptr<BooksPlace> MakeRedisPlace(const RedisOptions& options, Reporting reporting);
// Books in a file. One place per file and process.
std::unique_ptr<BooksPlace> MakeFilePlace(const FileOptions& options);
inline std::unique_ptr<BooksPlace> MakePlace(PlaceKind kind, const RedisOptions& redis,
                                             const FileOptions& file,
                                             Reporting reporting = Reporting::kLedgers) {
  return kind == PlaceKind::kFile ? MakeFilePlace(file) : MakeRedisPlace(redis, reporting);
}

}  // namespace tollgate::ledger

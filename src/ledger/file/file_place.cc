#include <utility>

#include "ledger/file/file_barrier.h"
#include "ledger/file/file_books.h"
#include "ledger/file/file_claim_reader.h"
#include "ledger/file/file_lease.h"
#include "ledger/file/file_ledger.h"
#include "ledger/file/file_sum_nodes.h"
#include "ledger/file/open_to_read.h"
#include "ledger/file/trouble.h"
#include "tollgate/ledger/books_place.h"

namespace tollgate::ledger {
namespace {

class FilePlace final : public BooksPlace {
 public:
  explicit FilePlace(const FileOptions& options)
      : options_(options), store_(std::make_shared<file::FileStore>(options)) {}

  std::string WhyUnreadable() const override {
    file::Database database;
    const base::Status opened = file::OpenToRead(database, options_.path);
    if (!opened.ok()) return opened.error().message;
    file::BookFile(database).Begin();
    return file::IsDamage(database.code()) ? file::AboutDamage(options_.path, database) : "";
  }
  std::unique_ptr<TableLedger> MakeLedger(net::EventLoop& loop,
                                          payments::ProcessorDirectory& directory,
                                          const std::string& known_run_id,
                                          BooksMemory* memory) override {
    return std::make_unique<file::FileLedger>(loop, store_, options_, directory, known_run_id,
                                              memory);
  }
  std::unique_ptr<Books> MakeBooks(net::EventLoop& loop, payments::ProcessorDirectory& directory,
                                   const BooksMemory* memory, const QueryLimits& limits) override {
    std::unique_ptr<file::FileSummaryCut> cut;
    QueryLimits reading = limits;
    if (options_.summary_wait_ms != 0) {
      cut = std::make_unique<file::FileSummaryCut>(loop, hub_, options_.summary_wait_ms,
                                                   options_.summary_workers_min);
      // A summary waits for the one before it and for itself, then it reads.
      reading.timeout_ms -= 2 * options_.summary_wait_ms;
    }
    return std::make_unique<file::FileBooks>(loop, store_, directory, memory, reading,
                                             std::move(cut));
  }
  std::unique_ptr<LeaseStore> MakeLeaseStore(net::EventLoop& loop,
                                             const BooksMemory* memory) override {
    return std::make_unique<file::FileLeaseStore>(loop, store_, options_.call_timeout_ms, memory);
  }
  std::unique_ptr<WorkerBarrier> MakeBarrier(net::EventLoop& loop, RecordGate& gate,
                                             TableLedger& /*ledger*/) override {
    if (options_.summary_wait_ms == 0) return nullptr;
    return std::make_unique<file::FileBarrier>(loop, hub_, options_.summary_wait_ms, gate);
  }
  std::unique_ptr<SilentClaims> MakeSilentClaims(net::EventLoop& loop) override {
    return std::make_unique<file::FileSilentClaims>(loop, store_, options_.call_timeout_ms);
  }
  std::unique_ptr<ClaimReader> MakeClaimReader(net::EventLoop& loop,
                                               payments::ProcessorDirectory& directory) override {
    return std::make_unique<file::FileClaimReader>(loop, store_, options_.call_timeout_ms,
                                                   directory);
  }
  std::unique_ptr<SumNodes> MakeSumNodes(net::EventLoop& loop,
                                         payments::ProcessorDirectory& directory) override {
    return std::make_unique<file::FileSumNodes>(loop, store_, options_.call_timeout_ms, directory);
  }

 private:
  const FileOptions options_;
  const std::shared_ptr<file::FileStore> store_;
  const std::shared_ptr<file::SummaryHub> hub_ = std::make_shared<file::SummaryHub>();
};

}  // namespace

std::unique_ptr<BooksPlace> MakeFilePlace(const FileOptions& options) {
  return std::make_unique<FilePlace>(options);
}

}  // namespace tollgate::ledger

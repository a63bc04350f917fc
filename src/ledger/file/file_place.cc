#include <utility>

#include "ledger/file/file_books.h"
#include "ledger/file/file_claim_reader.h"
#include "ledger/file/file_lease.h"
#include "ledger/file/file_ledger.h"
#include "ledger/file/file_sum_nodes.h"
#include "tollgate/ledger/books_place.h"

namespace tollgate::ledger {
namespace {

class FilePlace final : public BooksPlace {
 public:
  explicit FilePlace(const FileOptions& options)
      : options_(options), store_(std::make_shared<file::FileStore>(options)) {}

  std::unique_ptr<TableLedger> MakeLedger(net::EventLoop& loop,
                                          payments::ProcessorDirectory& directory,
                                          const std::string& known_run_id,
                                          BooksMemory* memory) override {
    return std::make_unique<file::FileLedger>(loop, store_, options_, directory, known_run_id,
                                              memory);
  }
  std::unique_ptr<Books> MakeBooks(net::EventLoop& loop, payments::ProcessorDirectory& directory,
                                   const BooksMemory* memory, const QueryLimits& limits) override {
    return std::make_unique<file::FileBooks>(loop, store_, directory, memory, limits);
  }
  std::unique_ptr<LeaseStore> MakeLeaseStore(net::EventLoop& loop,
                                             const BooksMemory* memory) override {
    return std::make_unique<file::FileLeaseStore>(loop, store_, options_.call_timeout_ms, memory);
  }
  std::unique_ptr<WorkerBarrier> MakeBarrier(net::EventLoop& /*loop*/, RecordGate& /*gate*/,
                                             TableLedger& /*ledger*/) override {
    return nullptr;
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
};

}  // namespace

std::unique_ptr<BooksPlace> MakeFilePlace(const FileOptions& options) {
  return std::make_unique<FilePlace>(options);
}

}  // namespace tollgate::ledger

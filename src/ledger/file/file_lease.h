// FileLeaseStore: the lease in a file of books. Its times are those of the host's clock.
//
// Thread: one loop's.
#pragma once

#include <memory>

#include "ledger/file/loop_calls.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/lease.h"

namespace tollgate::ledger::file {

class FileLeaseStore final : public LeaseStore {
 public:
  FileLeaseStore(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms,
                 const BooksMemory* memory);

  void Start() override { calls_.store().Start(); }
  void Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> visits,
               OnView done) override;
  void Publish(const std::string& token, const std::string& snapshot, OnDone done) override;
  void Release(const std::string& token, OnDone done) override;

 private:
  const BooksMemory* const memory_;
  LoopCalls calls_;
};

}  // namespace tollgate::ledger::file

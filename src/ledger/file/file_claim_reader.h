// FileClaimReader: every claim in a file of books, page by page. FileSilentClaims: those of silent
// owners, counted.
//
// Thread: one loop's.
#pragma once

#include <memory>

#include "ledger/file/loop_calls.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/silent_claims.h"

namespace tollgate::ledger::file {

class FileClaimReader final : public ClaimReader {
 public:
  FileClaimReader(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms,
                  payments::ProcessorDirectory& directory);
  void Start() override { calls_.store().Start(); }
  bool is_damaged() const override { return calls_.store().is_damaged(); }
  void Read(const ClaimCursor& cursor, OnPage done) override;

 private:
  payments::ProcessorDirectory& directory_;
  LoopCalls calls_;
};

class FileSilentClaims final : public SilentClaims {
 public:
  FileSilentClaims(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms);
  void Start() override { calls_.store().Start(); }
  bool ready() const override { return true; }
  void Count(int64_t silent_after_s, OnCounted done) override;

 private:
  LoopCalls calls_;
};

}  // namespace tollgate::ledger::file

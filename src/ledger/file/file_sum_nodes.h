// FileSumNodes: the tree of sums in a file of books.
//
// Thread: one loop's.
#pragma once

#include <memory>

#include "ledger/file/loop_calls.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::file {

class FileSumNodes final : public SumNodes {
 public:
  FileSumNodes(net::EventLoop& loop, std::shared_ptr<FileStore> store, int64_t timeout_ms,
               payments::ProcessorDirectory& directory);
  void Start() override { calls_.store().Start(); }
  void Read(std::span<const SumFamily> families, OnPage done) override;
  void Mend(const MendRequest& request, OnMended done) override;

 private:
  payments::ProcessorDirectory& directory_;
  LoopCalls calls_;
};

}  // namespace tollgate::ledger::file

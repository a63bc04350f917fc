// FileBarrier: a worker's RecordBarrier that hears the questions of its process' acceptors.
//
// Thread: one worker's loop.
#pragma once

#include <cstdint>
#include <memory>

#include "ledger/file/summary_hub.h"
#include "tollgate/base/lifetime.h"
#include "tollgate/ledger/record_barrier.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger::file {

class FileBarrier final : public WorkerBarrier {
 public:
  // `gate` outlives it.
  FileBarrier(net::EventLoop& loop, std::shared_ptr<SummaryHub> hub, int64_t wait_ms,
              RecordGate& gate);
  ~FileBarrier() override;

  void Start() override;
  void OnTurn() override;

 private:
  net::EventLoop& loop_;
  const std::shared_ptr<SummaryHub> hub_;
  const std::shared_ptr<LoopMail> mail_;
  const int64_t wait_ns_;
  RecordBarrier barrier_;
  base::Lifetime life_;
  uint64_t member_ = 0;
  net::Timer timer_;  // only ends a wait; OnTurn runs in every turn
};

}  // namespace tollgate::ledger::file

// RedisRecordBarrier: hears the questions of summaries in Redis (docs/REDIS.md, "Channels"), and
// runs a worker's RecordBarrier.
//
// Thread: one worker's loop.
// Owns: one connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tollgate/ledger/record_barrier.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"

namespace tollgate::ledger {

class RedisRecordBarrier final : public WorkerBarrier {
 public:
  // `publish` sends an answer to a channel, on a connection of the caller's. `gate` outlives it.
  using Publish = std::function<void(const std::string& channel, const std::string& text)>;
  // `connected`: how often that connection was made; with each the listener's is renewed.
  using Connected = std::function<uint64_t()>;
  RedisRecordBarrier(net::EventLoop& loop, const RedisOptions& options, RecordGate& gate,
                     Publish publish, Connected connected);
  ~RedisRecordBarrier() override;

  void Start() override;
  void OnTurn() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

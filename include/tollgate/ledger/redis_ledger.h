// RedisLedger: the Ledger in Redis, by Lua scripts over whole batches (src/ledger/lua).
//
// Thread: one worker's loop.
// Owns: one connection.
// Invariants: a batch ends in exactly one event; what the scripts answer is what is told.
#pragma once

#include <memory>
#include <string>

#include "tollgate/ledger/ledger.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

class RedisLedger final : public Ledger {
 public:
  // `known_run_id`: of the Redis that has heard all that the table holds (its LastLedgerRunId),
  // empty if none. Names that only the books know are added to `directory`.
  RedisLedger(net::EventLoop& loop, const RedisOptions& options,
              payments::ProcessorDirectory& directory, std::string known_run_id);
  ~RedisLedger() override;

  // Connects, and connects again whenever the connection is lost. After SetEvents.
  void Start();
  // Of the server now connected to, or last.
  const std::string& run_id() const;

  void SetEvents(LedgerEvents* events) override;
  bool ready() const override;
  bool can_claim() const override;
  void Claim(const Owner& owner, std::span<const ClaimRequest> requests, uint64_t batch) override;
  void Record(const Owner& owner, std::span<const RecordRequest> requests, uint64_t batch) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

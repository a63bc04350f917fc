// RedisLedger: the Ledger in Redis, by Lua scripts over whole batches (src/ledger/lua).
//
// Thread: one worker's loop.
// Owns: one connection.
// Invariants: a batch ends in exactly one event, with exactly what the scripts replied.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/ledger.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

struct OwnerFacts {
  bool known = false;  // it has called these books before
  int64_t number = 0;  // raised by each call; negative: the owner said that it is gone
};

class RedisLedger final : public Ledger {
 public:
  // `known_run_id`: the Redis run that has heard all that the table holds (its LastLedgerRunId),
  // empty if none. Names that only the books know are added to `directory`. `memory` is the
  // table's. Null: the owner has no table, so its calls have no number and it does not greet.
  RedisLedger(net::EventLoop& loop, const RedisOptions& options,
              payments::ProcessorDirectory& directory, std::string known_run_id,
              BooksMemory* memory = nullptr);
  ~RedisLedger() override;

  // Connects, and reconnects whenever the connection is lost. Call it after SetEvents.
  void Start();
  // The run of the present or last server, with its replication id and the table's era. If it
  // changes, something may have been lost.
  const std::string& run_id() const;
  // What the books know of a table, this one or another. Empty: the books are away or not ours.
  using OnOwner = std::function<void(std::optional<OwnerFacts>)>;
  void AskOwner(const payments::Uuid& table, OnOwner done);
  // Gives up the table's claims, so that repeats of the payments can take them over. Call it before
  // a clean stop of a table in memory. Nothing may be called afterwards.
  void SayGone(std::function<void()> done);

  // Sends a message to those who listen to a channel. It is lost if the connection is away.
  void Publish(const std::string& channel, const std::string& text);

  void SetEvents(LedgerEvents* events) override;
  void SetOwner(const Owner& owner) override;
  bool ready() const override;
  bool can_claim() const override;
  BooksStanding standing() const override;
  void Claim(const Owner& owner, std::span<const ClaimRequest> requests, uint64_t batch) override;
  void TakeOver(const Owner& owner, std::span<const TakeOverRequest> requests,
                uint64_t batch) override;
  void Record(const Owner& owner, std::span<const RecordRequest> requests, uint64_t batch) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

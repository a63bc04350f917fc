// RedisLedger: the Ledger in Redis, by Lua scripts over whole batches (src/ledger/lua).
//
// Thread: one worker's loop.
// Owns: one connection.
#pragma once

#include <memory>
#include <string>

#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/ledger/table_ledger.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

class RedisLedger final : public TableLedger {
 public:
  // `known_run_id`: the Redis run that has heard all that the table holds (its LastLedgerRunId),
  // empty if none. Names that only the books know are added to `directory`. `memory` is the
  // table's. Null: the owner has no table, so its calls have no number and it does not greet.
  RedisLedger(net::EventLoop& loop, const RedisOptions& options,
              payments::ProcessorDirectory& directory, std::string known_run_id,
              BooksMemory* memory = nullptr);
  ~RedisLedger() override;

  // How often it has connected.
  uint64_t connected_count() const;
  // Sends a message to those who listen to a channel. It is lost if the connection is away.
  void Publish(const std::string& channel, const std::string& text);

  void Start() override;
  const std::string& run_id() const override;
  void AskOwner(const payments::Uuid& table, OnOwner done) override;
  void SayGone(std::function<void()> done) override;
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

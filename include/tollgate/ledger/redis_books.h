// RedisBooks: summary, look-up and purge, from Redis. RedisLeaseStore: the lease in Redis.
//
// Thread: each object its loop's.
// Owns: one connection each.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "tollgate/ledger/books.h"
#include "tollgate/ledger/books_memory.h"
#include "tollgate/ledger/lease.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

class RedisBooks final : public Books {
 public:
  // At most `queries_max` queries wait at once. Further ones get the reply for "away". `memory` is
  // that of the instance's table. In other books than its own, nothing is read or purged, and all
  // queries get that reply. Null: any books are used, also those that lack payments.
  RedisBooks(net::EventLoop& loop, const RedisOptions& options,
             payments::ProcessorDirectory& directory, const BooksMemory* memory = nullptr,
             size_t queries_max = 256);
  ~RedisBooks() override;
  void Start() override;
  bool ready() const override;
  void OnInexactSummary(std::function<void()> count) override;

  void GetSummary(const payments::SummaryRange& range, OnSummary done) override;
  void Find(const payments::Uuid& id, OnEntry done) override;
  void Purge(OnPurged done) override;
  void AcceptLoss(OnAccepted done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class RedisLeaseStore final : public LeaseStore {
 public:
  // `memory`: as above. The lease of another fleet is neither taken nor read.
  RedisLeaseStore(net::EventLoop& loop, const RedisOptions& options,
                  const BooksMemory* memory = nullptr);
  ~RedisLeaseStore() override;
  void Start() override;

  void Acquire(const std::string& token, int64_t ttl_ms, std::span<const int64_t> visits,
               OnView done) override;
  void Publish(const std::string& token, const std::string& snapshot, OnDone done) override;
  void Release(const std::string& token, OnDone done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

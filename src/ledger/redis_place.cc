#include <algorithm>

#include "tollgate/ledger/books_place.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/ledger/redis_ledger.h"
#include "tollgate/ledger/redis_record_barrier.h"

namespace tollgate::ledger {
namespace {

class RedisPlace final : public BooksPlace {
 public:
  RedisPlace(const RedisOptions& options, Reporting reporting)
      : options_(options), others_(options) {
    if (reporting == Reporting::kLedgers) others_.report = nullptr;
  }

  std::unique_ptr<TableLedger> MakeLedger(net::EventLoop& loop,
                                          payments::ProcessorDirectory& directory,
                                          const std::string& known_run_id,
                                          BooksMemory* memory) override {
    return std::make_unique<RedisLedger>(loop, options_, directory, known_run_id, memory);
  }
  std::unique_ptr<Books> MakeBooks(net::EventLoop& loop, payments::ProcessorDirectory& directory,
                                   const BooksMemory* memory, const QueryLimits& limits) override {
    RedisOptions options = others_;
    // A summary waits for the one before it and for itself, then it reads.
    const int64_t read_ms = limits.timeout_ms - 2 * options.summary_wait_ms;
    options.command_timeout_ms = std::min(options.command_timeout_ms, read_ms);
    return std::make_unique<RedisBooks>(loop, options, directory, memory, limits.queries_max);
  }
  std::unique_ptr<LeaseStore> MakeLeaseStore(net::EventLoop& loop,
                                             const BooksMemory* memory) override {
    return std::make_unique<RedisLeaseStore>(loop, others_, memory);
  }
  std::unique_ptr<WorkerBarrier> MakeBarrier(net::EventLoop& loop, RecordGate& gate,
                                             TableLedger& ledger) override {
    if (options_.summary_wait_ms == 0) return nullptr;
    RedisOptions options = options_;
    options.while_away =
        "summaries do not wait for what is being recorded until it is back, so they may be some "
        "milliseconds late";
    auto& redis = static_cast<RedisLedger&>(ledger);  // MakeLedger makes no others
    return std::make_unique<RedisRecordBarrier>(
        loop, options, gate,
        [&redis](const std::string& channel, const std::string& text) {
          redis.Publish(channel, text);
        },
        [&redis] { return redis.connected_count(); });
  }
  std::unique_ptr<SilentClaims> MakeSilentClaims(net::EventLoop& loop) override {
    return std::make_unique<RedisSilentClaims>(loop, others_);
  }
  std::unique_ptr<ClaimReader> MakeClaimReader(net::EventLoop& loop,
                                               payments::ProcessorDirectory& directory) override {
    return std::make_unique<RedisClaimReader>(loop, others_, directory);
  }
  std::unique_ptr<SumNodes> MakeSumNodes(net::EventLoop& loop,
                                         payments::ProcessorDirectory& directory) override {
    return std::make_unique<RedisSumNodes>(loop, others_, directory);
  }

 private:
  const RedisOptions options_;
  RedisOptions others_;  // constant after construction
};

}  // namespace

std::unique_ptr<BooksPlace> MakeRedisPlace(const RedisOptions& options, Reporting reporting) {
  return std::make_unique<RedisPlace>(options, reporting);
}

}  // namespace tollgate::ledger

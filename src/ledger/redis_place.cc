#include <algorithm>

#include "tollgate/ledger/books_place.h"
#include "tollgate/ledger/redis_books.h"
#include "tollgate/ledger/redis_ledger.h"

namespace tollgate::ledger {
namespace {

class RedisPlace final : public BooksPlace {
 public:
  explicit RedisPlace(const RedisOptions& options) : options_(options), quiet_(options) {
    quiet_.report = nullptr;
  }

  std::unique_ptr<TableLedger> MakeLedger(net::EventLoop& loop,
                                          payments::ProcessorDirectory& directory,
                                          const std::string& known_run_id,
                                          BooksMemory* memory) override {
    return std::make_unique<RedisLedger>(loop, options_, directory, known_run_id, memory);
  }
  std::unique_ptr<Books> MakeBooks(net::EventLoop& loop, payments::ProcessorDirectory& directory,
                                   const BooksMemory* memory, const QueryLimits& limits) override {
    RedisOptions options = quiet_;
    options.command_timeout_ms = std::min(options.command_timeout_ms, limits.timeout_ms);
    return std::make_unique<RedisBooks>(loop, options, directory, memory, limits.queries_max);
  }
  std::unique_ptr<LeaseStore> MakeLeaseStore(net::EventLoop& loop,
                                             const BooksMemory* memory) override {
    return std::make_unique<RedisLeaseStore>(loop, quiet_, memory);
  }
  std::unique_ptr<SilentClaims> MakeSilentClaims(net::EventLoop& loop) override {
    return std::make_unique<RedisSilentClaims>(loop, quiet_);
  }
  std::unique_ptr<ClaimReader> MakeClaimReader(net::EventLoop& loop,
                                               payments::ProcessorDirectory& directory) override {
    return std::make_unique<RedisClaimReader>(loop, quiet_, directory);
  }
  std::unique_ptr<SumNodes> MakeSumNodes(net::EventLoop& loop,
                                         payments::ProcessorDirectory& directory) override {
    return std::make_unique<RedisSumNodes>(loop, quiet_, directory);
  }

 private:
  const RedisOptions options_;
  RedisOptions quiet_;  // constant after construction
};

}  // namespace

std::unique_ptr<BooksPlace> MakeRedisPlace(const RedisOptions& options) {
  return std::make_unique<RedisPlace>(options);
}

}  // namespace tollgate::ledger

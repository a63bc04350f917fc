// ClaimReader: every claim on the books, page by page: what is pending, then what was booked or
// rejected on the older and on the present shelf, as far as look-ups see.
//
// Thread: one loop's; calls and callbacks on it. One page under way at a time.
// Invariants: each page is one small read of our own keys. What is on the books throughout is told
// at least once, some of it twice (it was settled meanwhile, or its bucket grew).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tollgate/ledger/books.h"
#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::ledger {

// Where to go on; a page can be read again.
struct ClaimCursor {
  int shelf = 0;  // 0: pending; 1 and 2: what was booked, on the older and on the present shelf
  int64_t present = 0;  // the number of the present one, as the first page has it
  int64_t bucket = 0;
  std::string scan = "0";
};

struct Claim {
  payments::Uuid id;
  BookEntry entry;
};

struct ClaimPage {
  std::vector<Claim> claims;
  std::optional<ClaimCursor> next;  // nothing: this was the last page
  double share = 0;                 // of all buckets, read so far
  uint64_t damaged = 0;             // entries that are none of ours by their size
  uint32_t epoch = 0;               // another than the first page's: the books were purged
  int64_t shelf = 0;                // number of the present one; another: what was older is gone
  std::string run_id;               // another than the first page's: Redis was started again
  int64_t now_ms = 0;               // by Redis' clock
  // Payments of before are not on these books any more: the last purge, or the beginning of what
  // look-ups see.
  int64_t known_from_ms = 0;
};

class ClaimReader {
 public:
  virtual ~ClaimReader() = default;
  using OnPage = std::function<void(std::optional<ClaimPage>)>;  // nothing: Redis is away
  virtual void Read(const ClaimCursor& cursor, OnPage done) = 0;
};

class RedisClaimReader final : public ClaimReader {
 public:
  // Names that only the books know are added to `directory`.
  RedisClaimReader(net::EventLoop& loop, const RedisOptions& options,
                   payments::ProcessorDirectory& directory);
  ~RedisClaimReader() override;
  void Start();
  bool ready() const;

  void Read(const ClaimCursor& cursor, OnPage done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

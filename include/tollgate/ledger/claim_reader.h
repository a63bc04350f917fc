// ClaimReader: reads every claim on the books page by page: first what is pending, then what was
// booked or rejected, from the oldest shelf on.
//
// Thread: one loop's. Calls and callbacks are on it. One page at a time.
// Invariants: each page is one small read of this prefix's keys. A claim that stays on the books is
// returned at least once. Some are returned twice (settled meanwhile, or the bucket grew). A
// rejection is left out if the payment was booked after all, on the shelf behind.
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

// The next position. A page can be read again.
struct ClaimCursor {
  int64_t shelf = 0;    // 0: pending; from 1 on: settled, the oldest shelf first, the present last
  int64_t present = 0;  // number of the present shelf on the first page
  // So many shelves before the present one are read, if the books have them. Look-ups see one.
  int64_t older = 1;
  int64_t bucket = 0;
  std::string scan = "0";
};

struct Claim {
  payments::Uuid id;
  BookEntry entry;
};

struct ClaimPage {
  std::vector<Claim> claims;
  std::optional<ClaimCursor> next;  // empty: this was the last page
  double share = 0;                 // share of all buckets that is read so far
  uint64_t damaged = 0;             // entries whose size is not valid
  uint32_t epoch = 0;               // differs from the first page's if the books were purged
  int64_t shelf = 0;   // number of the present shelf; if it differs, older entries are gone
  std::string run_id;  // differs from the first page's if Redis was restarted
  int64_t now_ms = 0;  // by Redis' clock
  // Earlier payments are not on the shelves that are read. It is the time of the last purge, or the
  // beginning of the oldest of these shelves.
  int64_t known_from_ms = 0;
};

class ClaimReader {
 public:
  virtual ~ClaimReader() = default;
  virtual void Start() {}
  virtual bool ready() const { return true; }
  // True: the books are damaged, and reading again does not help. People were told what to do.
  virtual bool is_damaged() const { return false; }
  using OnPage = std::function<void(std::optional<ClaimPage>)>;  // empty: the books are away
  virtual void Read(const ClaimCursor& cursor, OnPage done) = 0;
};

class RedisClaimReader final : public ClaimReader {
 public:
  // Adds names that only the books know to `directory`.
  RedisClaimReader(net::EventLoop& loop, const RedisOptions& options,
                   payments::ProcessorDirectory& directory);
  ~RedisClaimReader() override;
  void Start() override;
  bool ready() const override;

  void Read(const ClaimCursor& cursor, OnPage done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

// SumNodes: reads the tree of sums (src/ledger/sum_tree.h), to compare it with the payments on the
// books, and mends it. A family is the 64 nodes of one key and the node above, which is their sum.
//
// Thread: one loop's. Calls and callbacks are on it. One call at a time.
// Invariants: each call is one small script. A page is of one moment. So if a node above is not the
// sum of its children, that is a fault, even while payments are recorded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tollgate/ledger/redis_options.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/payments/summary.h"

namespace tollgate::ledger {

struct SumFigures {
  int64_t count = 0;
  int64_t cents = 0;
  bool operator==(const SumFigures&) const = default;
};

// A node of `level` sums 64^level milliseconds. Its number is that of its first millisecond,
// divided by 64^level.
inline constexpr int kSumBits = 6;  // of the number of children
inline constexpr size_t kSumChildren = 64;
inline constexpr int kSumTop = 5;  // the highest level

struct SumFamily {
  int level = 0;     // of the children, 0 to 4
  int64_t node = 0;  // number of the node above, of level + 1
};

struct SumFamilyPage {
  SumFamily family;
  // The sums by processor. A processor without sums may be missing.
  std::map<payments::ProcessorId, std::array<SumFigures, kSumChildren>> children;
  std::map<payments::ProcessorId, SumFigures> above;
};

// A payment that is counted but not in the tree yet.
struct RecentSum {
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  int64_t amount_cents = 0;
};

struct SumPage {
  uint32_t epoch = 0;
  int64_t shelf = 0;  // number of the present shelf; 0: there is none yet
  int64_t mends = 0;  // how often sums were mended
  // Payments booked before this Unix time in ms are forgotten. Empty: all are known.
  std::optional<int64_t> memory_began_ms;
  std::vector<RecentSum> recent;
  std::vector<SumFamilyPage> families;  // the first of the families that were requested
};

// The sum of the payments that were counted with one requestedAt.
struct SumCell {
  int64_t at_ms = 0;
  SumFigures was;  // as compared, with the recent payments
  SumFigures is;   // by the payments on the books
};

struct MendRequest {
  // Of the pages that were compared. If one of them has changed, nothing is mended.
  uint32_t epoch = 0;
  int64_t shelf = 0;
  int64_t mends = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  // The range that was compared. A node that reaches beyond it is not lowered, unless it was the
  // sum of its children.
  payments::SummaryRange range{};
  // The node to compute again from its children, and then all nodes above. With cells: level 2, and
  // all cells are within the node.
  int level = 0;
  int64_t node = 0;
  std::span<const SumCell> cells{};
};
// The most families of level 0 that may have cells in one request.
inline constexpr size_t kMendFamiliesMax = 4;

struct MendReply {
  bool mended = false;  // false: the books are not as compared
  int64_t mends = 0;
};

class SumNodes {
 public:
  virtual ~SumNodes() = default;
  virtual void Start() {}
  virtual bool ready() const { return true; }
  // Callbacks get nothing if Redis is away or refuses.
  using OnPage = std::function<void(std::optional<SumPage>)>;
  using OnMended = std::function<void(std::optional<MendReply>)>;
  // REQUIRES: at most kSumFamiliesMax families.
  virtual void Read(std::span<const SumFamily> families, OnPage done) = 0;
  virtual void Mend(const MendRequest& request, OnMended done) = 0;
};
inline constexpr size_t kSumFamiliesMax = 128;

class RedisSumNodes final : public SumNodes {
 public:
  // Adds names that only the books know to `directory`. Sums of processors that get no id are left
  // out.
  RedisSumNodes(net::EventLoop& loop, const RedisOptions& options,
                payments::ProcessorDirectory& directory);
  ~RedisSumNodes() override;
  void Start() override;
  bool ready() const override;

  void Read(std::span<const SumFamily> families, OnPage done) override;
  void Mend(const MendRequest& request, OnMended done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

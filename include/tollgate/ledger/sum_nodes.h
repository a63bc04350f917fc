// SumNodes: the tree of sums as it stands (src/ledger/sum_tree.h), for holding it against the
// payments on the books, and for mending it. A family is the 64 nodes of one key with the node
// above, which is their sum.
//
// Thread: one loop's; calls and callbacks on it. One call under way at a time.
// Invariants: each call is one small script. What a page tells is of one moment, so a node above
// that is not the sum of its children is a fault however much is recorded meanwhile.
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

// A node of `level` sums 64^level milliseconds; its number is its first one's, divided by that.
inline constexpr int kSumBits = 6;  // of the number of children
inline constexpr size_t kSumChildren = 64;
inline constexpr int kSumTop = 5;  // the highest level

struct SumFamily {
  int level = 0;     // of the children, 0 to 4
  int64_t node = 0;  // number of the node above, of level + 1
};

struct SumFamilyPage {
  SumFamily family;
  // What a processor has; who has nothing may be missing.
  std::map<payments::ProcessorId, std::array<SumFigures, kSumChildren>> children;
  std::map<payments::ProcessorId, SumFigures> above;
};

// A payment that is counted and not in the tree yet.
struct RecentSum {
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  int64_t amount_cents = 0;
};

struct SumPage {
  uint32_t epoch = 0;
  int64_t shelf = 0;  // number of the present one; 0: there is none yet
  int64_t mends = 0;  // how often sums were mended
  // What was booked before this Unix time in ms is forgotten; nothing: all is known.
  std::optional<int64_t> memory_began_ms;
  std::vector<RecentSum> recent;
  std::vector<SumFamilyPage> families;  // the first ones of those asked for
};

// The payments that were counted with one requestedAt, as the sums have them.
struct SumCell {
  int64_t at_ms = 0;
  SumFigures was;  // with the recent ones: what was compared
  SumFigures is;   // what the payments on the books say
};

struct MendRequest {
  // Of the pages that were compared. If any of them is another one by now, nothing is changed.
  uint32_t epoch = 0;
  int64_t shelf = 0;
  int64_t mends = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  // What was compared. A node that reaches beyond it is made no less than it is, unless it was the
  // sum of its children.
  payments::SummaryRange range{};
  // The node that is made again from its children, and then all above it. With cells: of level 2,
  // and they all lie in it.
  int level = 0;
  int64_t node = 0;
  std::span<const SumCell> cells{};
};
// At most so many families of level 0 have cells in one request.
inline constexpr size_t kMendFamiliesMax = 4;

struct MendReply {
  bool mended = false;  // false: the books are not what was compared
  int64_t mends = 0;
};

class SumNodes {
 public:
  virtual ~SumNodes() = default;
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
  // Names that only the books know are added to `directory`; what has no name there is left out.
  RedisSumNodes(net::EventLoop& loop, const RedisOptions& options,
                payments::ProcessorDirectory& directory);
  ~RedisSumNodes() override;
  void Start();
  bool ready() const;

  void Read(std::span<const SumFamily> families, OnPage done) override;
  void Mend(const MendRequest& request, OnMended done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tollgate::ledger

// SumCheck: holds the sums, of which summaries are made, against the payments on the shelves, and
// mends what differs.
//
// A run reads all payments and totals them by spans of 4,096 ms, then reads the tree of sums. A
// span that agrees is done with. One that differs may have been written to in between, so it is
// read by the millisecond before and after the payments are read once more: only a millisecond
// whose sum stood still and is another one than its payments differs; the others are read again. A
// node of an upper level that is not the sum of its children is at fault whatever is recorded
// meanwhile, as both are read at one moment.
//
// Only what was requested since everything is known is judged: shelves are forgotten after a while
// and sums are not. An upper node that reaches beyond the range may have more than its children:
// one of them that is not judged may have lost something.
//
// A mend says what was compared (epoch, shelf, mends, the sums of its milliseconds), and changes
// nothing if the books have something else by then. So a payment that is recorded at the same time
// is neither lost nor counted twice. What was mended is compared again before it is called mended.
//
// Thread: the loop's. Run() turns the loop until it is done.
// Memory: a total per span and processor, and at most some 260,000 milliseconds at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "reconcile/compare.h"
#include "reconcile/sum_tally.h"
#include "tollgate/ledger/claim_reader.h"
#include "tollgate/ledger/sum_nodes.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/payments/summary.h"

namespace tollgate::reconcile {

struct SumDifference {
  payments::ProcessorId processor = payments::kNoProcessor;
  // 0: single milliseconds differ, from the first to the last of a span. Else nodes of this level
  // are not what their children make: summaries that use them differ.
  int level = 0;
  int64_t node = 0;  // of level 2 for levels 0 and 1: the span; else of `level`
  int64_t from_ms = 0, to_ms = 0;
  Gap summed;   // as the sums have it
  Gap counted;  // as the payments have it
  bool mended = false;
};

struct SumsReport {
  bool compared = false;
  payments::SummaryRange range;  // what was judged; it ends before it begins if that is nothing
  bool all_known = true;         // no payment has been forgotten yet
  std::vector<SumDifference> differences;
  uint64_t unsettled = 0;  // spans that were written to all the while
};

struct SumCheckOptions {
  payments::SummaryRange range;  // of requestedAt
  bool repair = false;
  int64_t patience_ms = 10'000;  // with Redis
  int64_t pause_ms = 300;        // before what was written to is read again
};

class SumCheck {
 public:
  struct Parts {
    net::EventLoop& loop;
    ledger::ClaimReader& claims;
    ledger::SumNodes& nodes;
    std::function<void()> on_turn = [] {};  // after each turn of the loop
  };
  SumCheck(Parts parts, const SumCheckOptions& options);

  // Returns what went wrong and what to do, or an empty text.
  std::string Run();
  const SumsReport& report() const { return report_; }
  double share() const { return share_; }  // of the payments, in the reading under way

 private:
  using NodeKey = std::tuple<int, int64_t, payments::ProcessorId>;  // level, number
  using CellKey = std::pair<payments::ProcessorId, int64_t>;        // and its millisecond
  using Cells = std::map<CellKey, ledger::SumFigures>;
  enum class State : uint8_t { kGoesOn, kMoved, kAway };
  // Of an upper node.
  struct Fault {
    ledger::SumFigures has;   // as it stands
    ledger::SumFigures more;  // than its children
    bool whole = true;        // it lies in the range

    ledger::SumFigures LacksIf(const ledger::SumFigures& children_lack) const;
  };
  // Of a span and a processor.
  struct SpanFaults {
    Fault of_parts;                     // of its nodes of level 1 that are at fault
    uint64_t parts = 0;                 // which ones these are
    uint64_t wrong_parts = 0;           // which ones have milliseconds that differ
    ledger::SumFigures lacks;           // what its milliseconds lack
    ledger::SumFigures lacks_at_parts;  // of that, what lies in those at fault
  };

  // What is read by the millisecond.
  struct Doubts {
    std::vector<int64_t> spans;
    std::set<CellKey> cells;  // that were written to meanwhile
    std::map<std::pair<int64_t, payments::ProcessorId>, std::vector<ledger::SumCell>> differ;
  };

  // Reading (reconcile_sums_read.cc). False: see state_.
  template <typename Answer, typename Start>
  std::optional<Answer> Ask(Start start);
  void Pause(int64_t ms);
  std::optional<ledger::SumPage> ReadPage(std::span<const ledger::SumFamily> families);
  using OnFamily = std::function<void(const ledger::SumFamilyPage&, const ledger::SumPage&)>;
  bool ReadFamilies(const std::vector<ledger::SumFamily>& families, const OnFamily& use);
  bool EachCounted(const std::function<void(const ledger::BookEntry&)>& use);
  using OnCell = std::function<void(payments::ProcessorId, int64_t at_ms, ledger::SumFigures)>;
  void EachCell(const ledger::SumFamilyPage& family, const ledger::SumPage& page,
                const OnCell& use) const;
  static ledger::SumFigures In(const Cells& cells, const CellKey& key) {
    const auto it = cells.find(key);
    return it == cells.end() ? ledger::SumFigures{} : it->second;
  }
  bool ReadCells(const std::vector<int64_t>& spans, Cells& cells);
  bool InRange(int64_t ms) const {
    return ms >= report_.range.from_ms && ms <= report_.range.to_ms;
  }

  // Finding (reconcile_sums.cc).
  bool Find();
  void Begin(const ledger::SumPage& page);
  bool ReadUpperLevels();
  bool CompareSpans();
  bool CompareSomeSpans(std::map<int64_t, uint64_t> spans);
  void CheckFamily(const ledger::SumFamilyPage& family);
  void AddFault(const NodeKey& node, const Fault& fault);
  void ReportUpperLevels();
  void Merge(bool first);
  // What differs by the millisecond, and mending (reconcile_sums_mend.cc).
  bool Confirm();
  std::vector<int64_t> TakeSpans(size_t& next) const;
  bool ReadAgain(Doubts& doubts, bool first);
  bool TakeCells(payments::ProcessorId processor, int64_t span,
                 const std::vector<ledger::SumCell>& cells);
  bool MendCells(payments::ProcessorId processor, int64_t span,
                 const std::vector<ledger::SumCell>& cells);
  bool MendUpperLevels();
  bool Mend(ledger::MendRequest request);

  Parts parts_;
  const SumCheckOptions options_;
  SumsReport report_;
  State state_ = State::kGoesOn;
  double share_ = 0;

  // Of one finding: what the books were when it began.
  bool begun_ = false;
  uint32_t epoch_ = 0;
  int64_t shelf_ = 0;
  int64_t mends_ = 0;
  SumTally payments_;
  std::map<int64_t, uint64_t> spans_;  // to be compared; and their parts that must be looked at
  std::vector<std::pair<int64_t, size_t>> differing_;  // spans, and about how many cells they have
  std::map<std::pair<int64_t, payments::ProcessorId>, SpanFaults> span_faults_;
  std::map<NodeKey, Fault> faults_;  // from level 2 on
  std::vector<SumDifference> found_;
  bool changed_meanwhile_ = false;  // a mend was refused
};

}  // namespace tollgate::reconcile

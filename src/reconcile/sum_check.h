// SumCheck compares the sums, from which summaries are made, with the payments on the shelves, and
// mends what differs.
//
// A run reads all payments and totals them by spans of 4,096 ms, then reads the tree of sums. A
// span that agrees is done. A span that differs may have been written to in between. So it is read
// by the millisecond before and after the payments are read again. A millisecond differs only if
// its sum did not change in between and is not the sum of its payments; the others are read again.
// A node of an upper level and its children are read at one moment. So if it is not their sum, it
// is wrong, also while payments are recorded.
//
// Only payments that the books still know are compared: shelves are forgotten after a while, sums
// are not. An upper node that is partly outside the range may have more than its children: a child
// outside the range may have lost something.
//
// A mend states what was compared (epoch, shelf, mends, the sums of its milliseconds), and changes
// nothing if the books have changed since. So a payment that is recorded at the same time is
// neither lost nor counted twice. A mended sum is compared again before it is reported as mended.
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
  // 0: single milliseconds of a span differ, from `from_ms` to `to_ms`. Else a node of this level
  // is not the sum of its children, so summaries that use it are wrong.
  int level = 0;
  int64_t node = 0;  // for levels 0 and 1: the span, a node of level 2; else a node of `level`
  int64_t from_ms = 0, to_ms = 0;
  Gap summed;   // in the sums
  Gap counted;  // of the payments
  bool mended = false;
};

struct SumsReport {
  bool compared = false;
  payments::SummaryRange range;  // that was compared; empty if it ends before it begins
  bool all_known = true;         // no payment has been forgotten yet
  std::vector<SumDifference> differences;
  uint64_t unsettled = 0;  // spans that were written to in every round
};

struct SumCheckOptions {
  payments::SummaryRange range;  // of requestedAt
  bool repair = false;
  int64_t patience_ms = 10'000;  // how long to wait for Redis
  int64_t pause_ms = 300;        // before spans that changed are read again
};

// Members: the progress of one walk over the tree.
class SumCheck {
 public:
  struct Parts {
    net::EventLoop& loop;
    ledger::ClaimReader& claims;
    ledger::SumNodes& nodes;
    std::function<void()> on_turn = [] {};  // after each turn of the loop
  };
  SumCheck(Parts parts, const SumCheckOptions& options);

  // Returns an error with what to do, or an empty text.
  std::string Run();
  const SumsReport& report() const { return report_; }
  double share() const { return share_; }  // of the payments, in the present reading

 private:
  using NodeKey = std::tuple<int, int64_t, payments::ProcessorId>;  // level, number
  using CellKey = std::pair<payments::ProcessorId, int64_t>;        // and its millisecond
  using Cells = std::map<CellKey, ledger::SumFigures>;
  enum class State : uint8_t { kGoesOn, kMoved, kAway };
  // An upper node that is not the sum of its children.
  struct Fault {
    ledger::SumFigures has;   // its sum
    ledger::SumFigures more;  // in excess of its children
    bool whole = true;        // the node is inside the range

    ledger::SumFigures LacksIf(const ledger::SumFigures& children_lack) const;
  };
  // For one span and processor.
  struct SpanFaults {
    Fault of_parts;                     // total of its wrong nodes of level 1
    uint64_t parts = 0;                 // which nodes of level 1 are wrong
    uint64_t wrong_parts = 0;           // which ones have milliseconds that differ
    ledger::SumFigures lacks;           // what its milliseconds lack
    ledger::SumFigures lacks_at_parts;  // the part of `lacks` in wrong nodes of level 1
  };

  // What is read by the millisecond.
  struct Doubts {
    std::vector<int64_t> spans;
    std::set<CellKey> cells;  // that were written to meanwhile
    std::map<std::pair<int64_t, payments::ProcessorId>, std::vector<ledger::SumCell>> differ;
  };

  // Reading (sum_check_read.cc). False: see state_.
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

  // Finding (sum_check.cc).
  bool Find();
  void Begin(const ledger::SumPage& page);
  bool ReadUpperLevels();
  bool CompareSpans();
  bool CompareSomeSpans(std::map<int64_t, uint64_t> spans);
  void CheckFamily(const ledger::SumFamilyPage& family);
  void AddFault(const NodeKey& node, const Fault& fault);
  void ReportUpperLevels();
  void Merge(bool first);
  // Comparing by the millisecond, and mending (sum_check_mend.cc).
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

  // For one pass: the state of the books when it began.
  bool begun_ = false;
  uint32_t epoch_ = 0;
  int64_t shelf_ = 0;
  int64_t mends_ = 0;
  SumTally payments_;
  std::map<int64_t, uint64_t> spans_;  // to compare, with the parts that must be read
  std::vector<std::pair<int64_t, size_t>> differing_;  // spans, and about how many cells they have
  std::map<std::pair<int64_t, payments::ProcessorId>, SpanFaults> span_faults_;
  std::map<NodeKey, Fault> faults_;  // from level 2 up
  std::vector<SumDifference> found_;
  bool changed_meanwhile_ = false;  // a mend was refused
};

}  // namespace tollgate::reconcile

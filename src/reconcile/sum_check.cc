#include "reconcile/sum_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tollgate/payments/limits.h"

namespace tollgate::reconcile {
namespace {

using ledger::SumFamily;
using ledger::SumFamilyPage;
using ledger::SumFigures;

// The first pass finds and mends. After a pass that found something, another pass follows.
constexpr int kFindingsMax = 5;
constexpr int kMovesMax = 3;
constexpr size_t kSpansAtOnce = 64;
// The clocks of Redis, which dates the shelves, and of a gateway may differ by this much.
constexpr int64_t kSkewMs = 60'000;
constexpr int kSpanLevel = 2;
constexpr int64_t kSpanMs = int64_t{1} << kSpanBits;

Gap GapOf(const SumFigures& sum) { return {sum.count, sum.cents}; }
int64_t FirstMs(int level, int64_t node) { return node << (ledger::kSumBits * level); }

}  // namespace

SumCheck::SumCheck(Parts parts, const SumCheckOptions& options)
    : parts_(std::move(parts)), options_(options) {}

std::string SumCheck::Run() {
  int findings = 0;
  int moves = 0;
  while (findings < kFindingsMax) {
    state_ = State::kGoesOn;
    if (!Find()) {
      if (parts_.claims.is_damaged()) return "the sums: the books cannot be read to their end";
      if (state_ == State::kAway) {
        return "the sums: the books do not answer; run this again, what was mended stays mended";
      }
      if (++moves <= kMovesMax) continue;
      return "the sums were not compared: the books were purged, or their server was started "
             "again, "
             "during the run; run it again";
    }
    Merge(++findings == 1);
    if (!options_.repair || found_.empty()) break;
  }
  report_.compared = true;
  if (report_.unsettled == 0) return "";
  return "the sums of " + std::to_string(report_.unsettled) +
         " spans of 4 s were written to in every round and not compared; run this again, or "
         "with an earlier --to";
}

// A difference that is found again was not mended.
void SumCheck::Merge(bool first) {
  if (first) {
    report_.differences = found_;
    return;
  }
  const auto key = [](const SumDifference& it) {
    return std::tuple(it.processor, it.level, it.node);
  };
  std::set<std::tuple<payments::ProcessorId, int, int64_t>> still;
  for (const SumDifference& it : found_) still.insert(key(it));
  for (SumDifference& it : report_.differences) it.mended = still.erase(key(it)) == 0;
  for (const SumDifference& it : found_) {
    if (still.contains(key(it))) report_.differences.push_back(it);
  }
}

// Limits the range to payments that the books still know.
void SumCheck::Begin(const ledger::SumPage& page) {
  begun_ = true;
  epoch_ = page.epoch;
  shelf_ = page.shelf;
  mends_ = page.mends;
  report_.all_known = !page.memory_began_ms;
  const int64_t known_from_ms = page.memory_began_ms ? *page.memory_began_ms + kSkewMs : 0;
  report_.range = {
      .from_ms = std::max({options_.range.from_ms, known_from_ms, payments::kRequestedAtMsMin}),
      .to_ms = std::min(options_.range.to_ms, payments::kRequestedAtMsMax)};
  report_.unsettled = 0;
  changed_meanwhile_ = false;
  payments_.Clear();
  spans_.clear();
  differing_.clear();
  span_faults_.clear();
  faults_.clear();
  found_.clear();
}

bool SumCheck::Find() {
  begun_ = false;
  const auto page = ReadPage({});
  if (!page) return false;
  Begin(*page);
  if (report_.range.from_ms > report_.range.to_ms) return true;
  const bool read = EachCounted([this](const ledger::BookEntry& entry) {
    payments_.Add(entry.processor, entry.requested_at_ms,
                  {.count = 1, .cents = entry.amount_cents});
  });
  if (!read) return false;
  for (const auto& [key, total] : payments_.spans()) spans_[key.first] |= total.parts;
  // The recent payments are moved into the tree together later, so include their spans now.
  for (const ledger::RecentSum& it : page->recent) {
    if (!InRange(it.requested_at_ms)) continue;
    const auto part = static_cast<uint64_t>(it.requested_at_ms) >> ledger::kSumBits & 63U;
    spans_[it.requested_at_ms >> kSpanBits] |= uint64_t{1} << part;
  }
  if (!ReadUpperLevels() || !CompareSpans() || !Confirm()) return false;
  ReportUpperLevels();
  return !options_.repair || MendUpperLevels();
}

// Reads all nodes from level 2 up that the range touches. Nodes of level 2 that are not empty are
// spans to compare.
bool SumCheck::ReadUpperLevels() {
  const int64_t from_ms = report_.range.from_ms;
  const int64_t to_ms = report_.range.to_ms;
  for (int level = ledger::kSumTop - 1; level >= kSpanLevel; --level) {
    const int bits = ledger::kSumBits * (level + 1);
    std::vector<SumFamily> families;
    for (int64_t node = from_ms >> bits; node <= to_ms >> bits; ++node) {
      families.push_back({.level = level, .node = node});
    }
    const bool read = ReadFamilies(families, [&](const SumFamilyPage& family, const auto&) {
      CheckFamily(family);
      if (level > kSpanLevel) return;
      for (const auto& [processor, children] : family.children) {
        for (size_t i = 0; i < children.size(); ++i) {
          const int64_t span = (family.family.node << ledger::kSumBits) + static_cast<int64_t>(i);
          if (children[i] == SumFigures{} || span < from_ms >> kSpanBits ||
              span > to_ms >> kSpanBits) {
            continue;
          }
          spans_.try_emplace(span, 0);
        }
      }
    });
    if (!read) return false;
  }
  return true;
}

bool SumCheck::CompareSpans() {
  std::map<int64_t, uint64_t> some;
  for (auto it = spans_.begin(); it != spans_.end();) {
    some.insert(*it);
    if (++it != spans_.end() && some.size() < kSpansAtOnce) continue;
    if (!CompareSomeSpans(std::exchange(some, {}))) return false;
  }
  return true;
}

bool SumCheck::CompareSomeSpans(std::map<int64_t, uint64_t> spans) {
  std::vector<SumFamily> families;
  families.reserve(spans.size());
  for (const auto& [span, parts] : spans) families.push_back({.level = 1, .node = span});
  const bool read = ReadFamilies(families, [&](const SumFamilyPage& family, const auto&) {
    CheckFamily(family);
    for (const auto& [processor, children] : family.children) {
      for (size_t i = 0; i < children.size(); ++i) {
        if (children[i] != SumFigures{}) spans[family.family.node] |= uint64_t{1} << i;
      }
    }
  });
  if (!read) return false;
  families.clear();
  for (const auto& [span, parts] : spans) {
    for (uint64_t i = 0; i < ledger::kSumChildren; ++i) {
      const int64_t node = (span << ledger::kSumBits) + static_cast<int64_t>(i);
      if ((parts >> i & 1U) != 0) families.push_back({.level = 0, .node = node});
    }
  }
  SumTally sums;
  const auto add = [&](auto processor, int64_t at_ms, const SumFigures& sum) {
    sums.Add(processor, at_ms, sum);
  };
  if (!ReadFamilies(families, [&](const SumFamilyPage& family, const ledger::SumPage& page) {
        CheckFamily(family);
        EachCell(family, page, add);
      })) {
    return false;
  }
  for (const auto& [span, parts] : spans) {
    bool differs = false;
    int64_t cells = 0;
    for (size_t id = 0; id < payments::kProcessorsMax; ++id) {
      const auto processor = static_cast<payments::ProcessorId>(id);
      const SpanTotal counted = payments_.Of(span, processor);
      const SpanTotal summed = sums.Of(span, processor);
      differs = differs || !counted.Agrees(summed);
      cells += std::clamp<int64_t>(std::max(counted.sum.count, summed.sum.count), 0, kSpanMs);
    }
    if (differs) differing_.emplace_back(span, static_cast<size_t>(cells));
  }
  return true;
}

void SumCheck::CheckFamily(const SumFamilyPage& family) {
  const int level = family.family.level + 1;
  const int64_t node = family.family.node;
  for (const auto& [processor, has] : family.above) {
    SumFigures children;
    if (const auto it = family.children.find(processor); it != family.children.end()) {
      for (const SumFigures& child : it->second) children = Plus(children, child);
    }
    const bool whole = InRange(FirstMs(level, node)) && InRange(FirstMs(level, node + 1) - 1);
    const Fault fault{.has = has, .more = Minus(has, children), .whole = whole};
    if (fault.more != SumFigures{}) AddFault({level, node, processor}, fault);
  }
}

void SumCheck::AddFault(const NodeKey& key, const Fault& fault) {
  const auto [level, node, processor] = key;
  if (level >= kSpanLevel) {
    faults_[key] = fault;
    return;
  }
  if (!fault.whole && (fault.more.count > 0 || fault.more.cents > 0)) return;
  SpanFaults& of_span = span_faults_[{node >> ledger::kSumBits, processor}];
  of_span.of_parts.has = Plus(of_span.of_parts.has, fault.has);
  of_span.of_parts.more = Plus(of_span.of_parts.more, fault.more);
  of_span.parts |= uint64_t{1} << (static_cast<uint64_t>(node) & 63U);
}

// The same calculation as in mend.lua.
SumFigures SumCheck::Fault::LacksIf(const SumFigures& children_lack) const {
  SumFigures lacks = Minus(children_lack, more);
  if (!whole && more.count > 0) lacks.count = std::max<int64_t>(lacks.count, 0);
  if (!whole && more.cents > 0) lacks.cents = std::max<int64_t>(lacks.cents, 0);
  return lacks;
}

// A node lacks what its children lack, less what it has in excess of them. It is reported if the
// children alone do not explain that.
void SumCheck::ReportUpperLevels() {
  std::map<std::pair<int64_t, payments::ProcessorId>, SumFigures> lacks;
  for (const auto& [key, of_span] : span_faults_) {
    const auto [span, processor] = key;
    const SumFigures lacked = Minus(of_span.lacks_at_parts, of_span.of_parts.more);
    if (lacked != SumFigures{} || (of_span.parts & ~of_span.wrong_parts) != 0) {
      found_.push_back({.processor = processor,
                        .level = 1,
                        .node = span,
                        .from_ms = FirstMs(kSpanLevel, span),
                        .to_ms = FirstMs(kSpanLevel, span + 1) - 1,
                        .summed = GapOf(of_span.of_parts.has),
                        .counted = GapOf(Plus(of_span.of_parts.has, lacked))});
    }
    lacks[key] = Minus(of_span.lacks, of_span.of_parts.more);
  }
  for (int level = kSpanLevel; level <= ledger::kSumTop; ++level) {
    for (auto it = faults_.lower_bound({level, 0, 0});
         it != faults_.end() && std::get<0>(it->first) == level; ++it) {
      const auto [of_level, node, processor] = it->first;
      SumFigures& lacked = lacks[{node, processor}];
      lacked = it->second.LacksIf(lacked);
      if (lacked == SumFigures{}) continue;
      found_.push_back({.processor = processor,
                        .level = level,
                        .node = node,
                        .from_ms = FirstMs(level, node),
                        .to_ms = FirstMs(level, node + 1) - 1,
                        .summed = GapOf(it->second.has),
                        .counted = GapOf(Plus(it->second.has, lacked))});
    }
    for (const auto& [key, lacked] : std::exchange(lacks, {})) {
      SumFigures& above = lacks[{key.first >> ledger::kSumBits, key.second}];
      above = Plus(above, lacked);
    }
  }
}

}  // namespace tollgate::reconcile

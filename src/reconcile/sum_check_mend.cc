// Comparing by the millisecond, and mending.
#include <algorithm>
#include <set>
#include <utility>

#include "reconcile/sum_check.h"

namespace tollgate::reconcile {
namespace {

using ledger::SumCell;
using ledger::SumFigures;

constexpr int kRoundsMax = 10;
constexpr size_t kCellsMax = size_t{1} << 18U;  // in memory at once, about
constexpr size_t kSpansMax = 1024;

}  // namespace

bool SumCheck::Confirm() {
  for (size_t next = 0; next < differing_.size();) {
    Doubts doubts{.spans = TakeSpans(next), .cells = {}, .differ = {}};
    for (int round = 1; !doubts.spans.empty() && round <= kRoundsMax; ++round) {
      if (round > 1) Pause(options_.pause_ms);
      if (!ReadAgain(doubts, round == 1)) return false;
    }
    report_.unsettled += doubts.spans.size();
    for (auto& [key, cells] : doubts.differ) {
      std::sort(cells.begin(), cells.end(),
                [](const SumCell& a, const SumCell& b) { return a.at_ms < b.at_ms; });
      if (!TakeCells(key.second, key.first, cells)) return false;
    }
  }
  return true;
}

std::vector<int64_t> SumCheck::TakeSpans(size_t& next) const {
  std::vector<int64_t> spans;
  size_t cells = 0;
  while (next < differing_.size() && spans.size() < kSpansMax && cells < kCellsMax) {
    cells += differing_[next].second;
    spans.push_back(differing_[next++].first);
  }
  return spans;
}

// Round 1 compares all milliseconds of the spans, later rounds only those in doubt. A payment
// always raises the count of its sum, so a sum that is equal before and after the reading was not
// changed in between.
bool SumCheck::ReadAgain(Doubts& doubts, bool first) {
  const std::set<int64_t> spans(doubts.spans.begin(), doubts.spans.end());
  const auto in_doubt = [&](const CellKey& key) {
    return first ? spans.contains(key.second >> kSpanBits) : doubts.cells.contains(key);
  };
  Cells before, counted, after;
  if (!ReadCells(doubts.spans, before)) return false;
  const bool read = EachCounted([&](const ledger::BookEntry& entry) {
    const CellKey key{entry.processor, entry.requested_at_ms};
    if (!in_doubt(key)) return;
    SumFigures& cell = counted[key];
    cell = Plus(cell, {.count = 1, .cents = entry.amount_cents});
  });
  if (!read || !ReadCells(doubts.spans, after)) return false;
  for (const Cells* some : {&before, &counted}) {
    for (const auto& [key, sum] : *some) after.try_emplace(key);
  }
  std::set<CellKey> cells;
  std::set<int64_t> left;
  for (const auto& [key, sum] : after) {
    const SumFigures is = In(counted, key);
    if (!in_doubt(key) || sum == is) continue;
    const int64_t span = key.second >> kSpanBits;
    if (sum == In(before, key)) {
      doubts.differ[{span, key.first}].push_back({.at_ms = key.second, .was = sum, .is = is});
    } else {
      cells.insert(key);
      left.insert(span);
    }
  }
  doubts.cells = std::move(cells);
  doubts.spans.assign(left.begin(), left.end());
  return true;
}

bool SumCheck::TakeCells(payments::ProcessorId processor, int64_t span,
                         const std::vector<SumCell>& cells) {
  SumDifference found{.processor = processor,
                      .level = 0,
                      .node = span,
                      .from_ms = cells.front().at_ms,
                      .to_ms = cells.back().at_ms,
                      .summed = {},
                      .counted = {}};
  SpanFaults& faults = span_faults_[{span, processor}];
  SumFigures summed, counted;
  for (const SumCell& cell : cells) {
    summed = Plus(summed, cell.was);
    counted = Plus(counted, cell.is);
    const uint64_t part = uint64_t{1}
                          << (static_cast<uint64_t>(cell.at_ms) >> ledger::kSumBits & 63U);
    faults.wrong_parts |= part;
    if ((faults.parts & part) == 0) continue;
    faults.lacks_at_parts = Plus(faults.lacks_at_parts, Minus(cell.is, cell.was));
  }
  faults.lacks = Plus(faults.lacks, Minus(counted, summed));
  found.summed = {summed.count, summed.cents};
  found.counted = {counted.count, counted.cents};
  found_.push_back(found);
  return !options_.repair || MendCells(processor, span, cells);
}

// In groups that keep each call short.
bool SumCheck::MendCells(payments::ProcessorId processor, int64_t span,
                         const std::vector<SumCell>& cells) {
  for (size_t first = 0; first < cells.size();) {
    size_t end = first;
    std::set<int64_t> parts;
    while (end < cells.size()) {
      parts.insert(cells[end].at_ms >> ledger::kSumBits);
      if (parts.size() > ledger::kMendFamiliesMax) break;
      ++end;
    }
    if (!Mend({.processor = processor,
               .level = 2,
               .node = span,
               .cells = std::span(cells).subspan(first, end - first)})) {
      return false;
    }
    first = end;
  }
  return true;
}

// From the bottom up, after the lower levels are right: a right node must not be rebuilt from wrong
// children.
bool SumCheck::MendUpperLevels() {
  if (changed_meanwhile_ || report_.unsettled != 0) return true;
  for (const auto& [key, of_span] : span_faults_) {
    for (uint64_t i = 0; i < ledger::kSumChildren; ++i) {
      if ((of_span.parts >> i & 1U) == 0) continue;
      const int64_t node = (key.first << ledger::kSumBits) + static_cast<int64_t>(i);
      if (!Mend({.processor = key.second, .level = 1, .node = node, .cells = {}})) return false;
    }
  }
  for (const auto& [key, fault] : faults_) {
    const auto [level, node, processor] = key;
    if (!Mend({.processor = processor, .level = level, .node = node, .cells = {}})) return false;
  }
  return true;
}

}  // namespace tollgate::reconcile

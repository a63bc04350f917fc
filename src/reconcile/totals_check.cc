#include "reconcile/totals_check.h"

#include <utility>

namespace tollgate::reconcile {
namespace {

constexpr int kLooksMax = 4;
constexpr int64_t kPauseMs = 500;
constexpr int64_t kBooksPatienceNs = 10 * base::kNanosPerSecond;

// Stores the totals in `report`; true if no difference is left to explain.
bool TakeTotals(ProcessorReport& report, const AdminTotal& total,
                const std::optional<payments::Summary>& books) {
  report.problem = total.problem;
  report.books.reset();
  report.processor.reset();
  if (total.summary) report.processor = Gap{total.summary->count, total.summary->amount_cents};
  if (!books) {
    report.problem = "the books' summary: they did not answer";
    return true;
  }
  for (const auto& sum : *books) {
    if (sum.name == report.name) report.books = Gap{sum.count, sum.amount_cents};
  }
  const auto unexplained = Unexplained(report);
  return !unexplained || *unexplained == Gap{};
}

}  // namespace

std::optional<std::string> TotalsCheck::RefusedToken() {
  const int64_t now_ms = parts_.clock.WallMillis();
  for (const auto& [name, total] : ReadTotals({now_ms, now_ms})) {
    if (total.refused) return total.problem;
  }
  return std::nullopt;
}

void TotalsCheck::Run(const payments::SummaryRange& range, std::vector<ProcessorReport>& reports) {
  if (tokens_.empty()) return;
  for (int look = 0; look < kLooksMax; ++look) {
    if (look > 0) Pause();
    const Totals totals = ReadTotals(range);
    const auto books = ReadBooks(range);
    bool explained = true;
    for (ProcessorReport& report : reports) {
      if (!report.has_token) continue;
      explained = TakeTotals(report, totals.at(report.name), books) && explained;
    }
    if (explained) break;
  }
}

TotalsCheck::Totals TotalsCheck::ReadTotals(const payments::SummaryRange& range) {
  std::optional<Totals> totals;
  AdminTotals reader(parts_.loop, processors_, tokens_, range,
                     [&](const auto& answer) { totals = answer; });
  reader.Read();
  while (!totals) parts_.loop.RunOnce(100);
  return *totals;
}

std::optional<payments::Summary> TotalsCheck::ReadBooks(const payments::SummaryRange& range) {
  const int64_t end_ns = parts_.clock.MonotonicNanos() + kBooksPatienceNs;
  while (parts_.clock.MonotonicNanos() < end_ns) {
    std::optional<std::optional<payments::Summary>> answer;
    parts_.books.GetSummary(range, [&](auto summary) { answer = std::move(summary); });
    while (!answer) parts_.loop.RunOnce(100);
    if (*answer) return std::move(*answer);
    parts_.loop.RunOnce(100);
  }
  return std::nullopt;
}

void TotalsCheck::Pause() {
  const int64_t end_ns = parts_.clock.MonotonicNanos() + kPauseMs * base::kNanosPerMilli;
  while (parts_.clock.MonotonicNanos() < end_ns) parts_.loop.RunOnce(50);
}

}  // namespace tollgate::reconcile

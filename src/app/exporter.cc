#include "app/exporter.h"

#include <limits>

#include "tollgate/base/clock.h"

namespace tollgate::app {
namespace {

constexpr int kTurnMs = 20;

}  // namespace

base::Status Exporter::Run() {
  if (auto status = ReadAll(); !status.ok()) return status;
  return WriteAll();
}

base::Status Exporter::ReadAll() {
  std::optional<ledger::ClaimCursor> cursor =
      ledger::ClaimCursor{.older = std::numeric_limits<int32_t>::max()};
  while (cursor) {
    const auto page = ReadPage(*cursor);
    if (!page) {
      return base::Error{parts_.claims.is_damaged() ? "the books cannot be read to their end"
                                                    : "the books are away; run it again"};
    }
    if (auto status = CheckSame(*page); !status.ok()) return status;
    counts_.damaged += page->damaged;
    for (const ledger::Claim& claim : page->claims) {
      if (auto status = Take(claim); !status.ok()) return status;
    }
    cursor = page->next;
  }
  counts_.known_from_ms = first_->known_from_ms;
  return base::OkStatus();
}

// Empty: the books were away for longer than the patience, or are damaged.
std::optional<ledger::ClaimPage> Exporter::ReadPage(const ledger::ClaimCursor& cursor) {
  const base::Clock& clock = parts_.loop.clock();
  const int64_t end_ns = clock.MonotonicNanos() + patience_ms_ * base::kNanosPerMilli;
  do {
    std::optional<std::optional<ledger::ClaimPage>> answer;
    parts_.claims.Read(cursor, [&](auto page) { answer = std::move(page); });
    while (!answer) parts_.loop.RunOnce(kTurnMs);
    if (*answer || parts_.claims.is_damaged()) return std::move(*answer);
    parts_.loop.RunOnce(kTurnMs);
  } while (clock.MonotonicNanos() < end_ns);
  return std::nullopt;
}

// What has been read must still be all that there is.
base::Status Exporter::CheckSame(const ledger::ClaimPage& page) {
  if (!first_) {
    first_ = page;
    first_->claims.clear();
  }
  if (page.epoch != first_->epoch) {
    return base::Error{"the books were purged during the export; run it again"};
  }
  if (page.run_id != first_->run_id) {
    return base::Error{"the server of the books was started again during the export; run it again"};
  }
  if (page.shelf != first_->shelf && page.known_from_ms != first_->known_from_ms) {
    return base::Error{"the books forgot their oldest shelf during the export; run it again"};
  }
  return base::OkStatus();
}

base::Status Exporter::Take(const ledger::Claim& claim) {
  const ledger::BookEntry& entry = claim.entry;
  if (entry.requested_at_ms < options_.range.from_ms ||
      entry.requested_at_ms > options_.range.to_ms) {
    return base::OkStatus();
  }
  if (entry.state == ledger::EntryState::kPending) {
    ++counts_.pending;
    return base::OkStatus();
  }
  const ExportRow row{.at = {.requested_at_ms = entry.requested_at_ms, .id = claim.id},
                      .amount_cents = entry.amount_cents,
                      .processor = entry.processor,
                      .booked = entry.state == ledger::EntryState::kBooked,
                      .counted = entry.counted,
                      .reason = entry.reason};
  if (options_.after && row.at <= *options_.after) return base::OkStatus();
  return parts_.rows.Add(row);
}

base::Status Exporter::WriteAll() {
  if (auto status = parts_.rows.Sort(); !status.ok()) return status;
  if (!options_.after) parts_.lines.AddHeading();
  while (true) {
    const auto row = parts_.rows.Next();
    if (!row.ok()) return row.error();
    if (!row.value()) return parts_.lines.Finish();
    const ExportRow& it = *row.value();
    ++(it.booked ? counts_.booked : counts_.rejected);
    if (it.booked && !it.counted) ++counts_.not_counted;
    if (it.counted) counts_.booked_cents += it.amount_cents;
    if (auto status = parts_.lines.Add(it); !status.ok()) return status;
  }
}

}  // namespace tollgate::app

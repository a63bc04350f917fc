#include "ledger/file/file_books.h"

#include <array>
#include <string>
#include <utility>

#include "ledger/sum_tree.h"
#include "ledger/totals.h"
#include "tollgate/base/clock.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::file {
namespace {

using Sums = std::array<SumFigures, 256>;  // by ledger number of the processor

// Nothing if a sum belongs to a processor without a name, or is too large.
std::optional<Totals> TotalsOf(BookFile& file, const payments::SummaryRange& range) {
  Sums sums{};
  bool fits = true;
  Statement part(file.database(), "SELECT key & 255, count, cents FROM " +
                                      SumsTable(file.header().epoch) +
                                      " WHERE key BETWEEN ? AND ?");
  for (const SumPart& it : PlanSum(range)) {
    const int64_t last = it.node + it.last - it.first;
    part.With(SumKey(it.level, it.node, 0), SumKey(it.level, last, 255))
        .ForEach([&](const Row& row) {
          SumFigures& sum = sums[static_cast<size_t>(row.Int(0))];
          sum.count += row.Int(1);
          fits = fits && !__builtin_add_overflow(sum.cents, row.Int(2), &sum.cents);
        });
  }
  Totals totals;
  const NameList& names = *file.header().names;
  for (size_t number = 0; number < sums.size() && fits; ++number) {
    const SumFigures& sum = sums[number];
    if (sum == SumFigures{}) continue;
    if (number >= names.size() || names[number].empty()) return std::nullopt;
    totals[names[number]] = {.name = names[number], .count = sum.count, .amount_cents = sum.cents};
  }
  return fits ? std::optional(totals) : std::nullopt;
}

struct SummaryRead {
  Totals totals;
  bool is_alone = false;  // no other instance is on these books
};

struct Found {
  std::optional<BookEntry> entry;  // its processor is not known yet
  std::string processor;           // its name; empty: none
};

std::string NameOf(const BookFile& file, uint8_t number) {
  const NameList& names = *file.header().names;
  return number < names.size() ? names[number] : std::string();
}

Found Look(BookFile& file, const payments::Uuid& id) {
  BookEntry entry;
  if (const auto settled = file.FindSettled(id)) {
    entry.state = settled->kind < kRejected ? EntryState::kBooked : EntryState::kRejected;
    entry.amount_cents = settled->cents;
    entry.requested_at_ms = settled->at_ms;
    entry.counted = settled->kind == kCounted;
    if (settled->kind >= kRejected) {
      entry.reason = payments::RejectReasonFrom(uint64_t{settled->kind} - kRejected);
    }
    return {.entry = entry, .processor = NameOf(file, settled->processor)};
  }
  const auto claim = file.FindClaim(id);
  if (!claim) return {};
  entry.amount_cents = claim->cents;
  entry.requested_at_ms = claim->at_ms;
  entry.attempt = claim->attempt;
  entry.epoch = claim->epoch;
  return {.entry = entry, .processor = NameOf(file, claim->processor)};
}

}  // namespace

void FileBooks::GetSummary(const payments::SummaryRange& range, OnSummary done) {
  const size_t waiting = cut_ == nullptr ? 0 : cut_->waiting();
  if (!Expected::Of(memory_) || calls_.open() + waiting >= queries_max_) {
    return done(std::nullopt);
  }
  if (cut_ == nullptr) return ReadSums(range, 0, nullptr, std::move(done));
  cut_->Ask(
      [this, range, done = std::move(done)](int64_t until_ns, std::shared_ptr<const Cut> cut) {
        ReadSums(range, until_ns, std::move(cut), done);
      });
}

// The cut lasts until the books are read. Workers of other processes on the same file are not
// asked, so with them a summary may lack what they are about to record.
void FileBooks::ReadSums(const payments::SummaryRange& range, int64_t until_ns,
                         std::shared_ptr<const Cut> cut, OnSummary done) {
  const auto expected = Expected::Of(memory_);
  if (!expected) return done(std::nullopt);
  calls_.Read<SummaryRead>(
      [range, expected, cut = std::move(cut)](BookFile& file) {
        if (!expected->AreUsable(file.header())) return std::optional<SummaryRead>();
        auto totals = TotalsOf(file, range);
        if (!totals) return std::optional<SummaryRead>();
        const int64_t live = file.database().Number("SELECT count(*) FROM live", 0);
        return std::optional(SummaryRead{.totals = std::move(*totals), .is_alone = live <= 1});
      },
      [this, until_ns, done = std::move(done)](std::optional<SummaryRead> read) {
        if (!read) return done(std::nullopt);
        const bool as_of = loop_.clock().MonotonicNanos() < until_ns;
        if (on_inexact_ && !(as_of && read->is_alone)) on_inexact_();
        done(InOrder(std::move(read->totals), directory_));
      });
}

void FileBooks::Find(const payments::Uuid& id, OnEntry done) {
  const auto expected = Expected::Of(memory_);
  if (!expected) return done(std::nullopt);
  calls_.Read<Found>(
      [id, expected](BookFile& file) {
        if (!expected->Are(file.header())) return std::optional<Found>();
        Found found = Look(file, id);
        // Lossy books cannot say that they never had a payment.
        if (!found.entry && !expected->AreUsable(file.header())) return std::optional<Found>();
        return std::optional(std::move(found));
      },
      [this, done = std::move(done)](std::optional<Found> found) {
        if (!found) return done(std::nullopt);
        if (found->entry && !found->processor.empty()) {
          found->entry->processor =
              directory_.Add(found->processor).value_or(payments::kNoProcessor);
        }
        done(found->entry);
      });
}

void FileBooks::Purge(OnPurged done) {
  const auto expected = Expected::Of(memory_);
  if (!expected) return done(false);
  calls_.Write<bool>(
      [expected](BookFile& file) {
        if (!expected->Are(file.header())) return false;
        file.Purge(base::SystemClock().WallMillis());
        return true;
      },
      [done = std::move(done)](const std::optional<bool>& purged) {
        done(purged.value_or(false));
      });
}

void FileBooks::AcceptLoss(OnAccepted done) {
  calls_.Write<int64_t>(
      [](BookFile& file) {
        const int64_t since_s = file.header().lossy_s;
        if (since_s != 0) file.SetLossy(0);
        return since_s;
      },
      std::move(done));
}

}  // namespace tollgate::ledger::file

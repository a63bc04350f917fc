#include "reconcile/report.h"

#include <array>

#include "reconcile/text_table.h"
#include "tollgate/base/duration.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::reconcile {
namespace {

using payments::CentsToString;
using payments::TimestampToString;

bool IsSettled(const Finding& finding, const Difference& difference) {
  return difference.repairable && finding.repair == Repair::kDone;
}

std::string NameOf(payments::ProcessorId id, const payments::ProcessorDirectory& names) {
  return id < names.size() ? names.Name(id) : "-";
}

const char* NameOf(Repair repair) {
  switch (repair) {
    case Repair::kNone:
      return "no";
    case Repair::kWanted:
      return "not yet";
    case Repair::kDone:
      return "yes";
    case Repair::kFailed:
      return "failed";
  }
  return "no";
}

std::string CountAndAmount(const Gap& gap) {
  return std::to_string(gap.count) + " / " + CentsToString(gap.amount_cents);
}

std::string TotalsTable(const ReconcileReport& report) {
  TextTable table({"processor", "in the books", "at the processor", "difference",
                   "of payments listed", "unexplained"});
  bool any = false;
  for (const ProcessorReport& it : report.processors) {
    if (!it.has_token) continue;
    any = true;
    if (!it.books || !it.processor) {
      table.Add({it.name, "-", "-", "-", "-", it.problem});
      continue;
    }
    const Gap gap{it.processor->count - it.books->count,
                  it.processor->amount_cents - it.books->amount_cents};
    table.Add({it.name, CountAndAmount(*it.books), CountAndAmount(*it.processor),
               CountAndAmount(gap), CountAndAmount(it.found), CountAndAmount(*Unexplained(it))});
  }
  return any ? "\nSummaries (payments / amount):\n" + table.Draw() : "";
}

std::string AskedTable(const ReconcileReport& report) {
  TextTable table({"processor", "asked", "holds", "lacks", "not answered", "asked again"});
  for (const ProcessorReport& it : report.processors) {
    const AskerStats& stats = it.stats;
    table.Add({it.name, std::to_string(stats.asked), std::to_string(stats.held),
               std::to_string(stats.lacks),
               std::to_string(stats.not_answered) + (stats.away ? " (away)" : ""),
               std::to_string(stats.repeats)});
  }
  return table.Draw();
}

std::string FindingsTable(const ReconcileReport& report, const payments::ProcessorDirectory& names,
                          size_t rows_max) {
  if (report.findings.empty()) return "\nNo payment differs.\n";
  TextTable table({"correlationId", "difference", "processor", "books", "amount there",
                   "requestedAt there", "amount held", "requestedAt held", "repaired"});
  std::array<size_t, kDifferenceKinds> all{};
  std::array<size_t, kDifferenceKinds> left{};
  size_t rows = 0;
  for (const Finding& finding : report.findings) {
    for (const Difference& it : finding.differences) {
      ++all[static_cast<size_t>(it.kind)];
      if (!IsSettled(finding, it)) ++left[static_cast<size_t>(it.kind)];
      if (++rows > rows_max) continue;
      const auto& books = finding.subject.books;
      const auto& answers = finding.subject.answers;
      const bool held =
          it.processor < answers.size() && answers[it.processor].kind == Answer::Kind::kHeld;
      const Answer answer = held ? answers[it.processor] : Answer{};
      table.Add({payments::ToString(finding.subject.id), Name(it.kind), NameOf(it.processor, names),
                 books ? ledger::Name(books->state) : "unknown",
                 books ? CentsToString(books->amount_cents) : "-",
                 books ? TimestampToString(books->requested_at_ms) : "-",
                 held ? CentsToString(answer.amount_cents) : "-",
                 held ? TimestampToString(answer.requested_at_ms) : "-",
                 it.repairable ? NameOf(finding.repair) : "-"});
    }
  }
  std::string text = "\n" + table.Draw();
  if (rows > rows_max) {
    text += "… and " + std::to_string(rows - rows_max) + " more; --json or --json-file has all\n";
  }
  for (size_t i = 0; i < kDifferenceKinds; ++i) {
    if (all[i] == 0) continue;
    const auto kind = static_cast<DifferenceKind>(i);
    text += std::string(Name(kind)) + ": " + std::to_string(all[i]) + ", " +
            std::to_string(left[i]) + " left. " + Meaning(kind) + ".\n";
  }
  return text;
}

std::string SilentTable(const ReconcileReport& report) {
  if (report.silent.empty()) return "";
  TextTable table({"table of a silent gateway", "pending there", "silent for"});
  for (const ledger::SilentOwner& it : report.silent) {
    table.Add({payments::ToString(it.table), std::to_string(it.claims),
               it.silent_s < 0 ? "never greeted"
               : it.gone       ? "ended, with its table"
                               : base::RoughTime(it.silent_s)});
  }
  return "\n" + table.Draw() +
         "Start those gateways again with their DATA_DIR; what clients repeat is finished by the "
         "others.\n";
}

std::string SumsTable(const SumsReport& sums, const payments::ProcessorDirectory& names,
                      size_t rows_max) {
  if (!sums.compared) return "\nThe sums were not compared with the payments.\n";
  std::string text = "\nSums from " + TimestampToString(sums.range.from_ms) + " to " +
                     TimestampToString(sums.range.to_ms) + " against the payments counted";
  if (!sums.all_known) text += "; what was booked before may be forgotten and is not compared";
  if (sums.range.from_ms > sums.range.to_ms) {
    text = "\nNo sum was compared: payments are known from " +
           TimestampToString(sums.range.from_ms) + " on";
  }
  if (sums.differences.empty())
    return text + ".\n" + (sums.unsettled == 0 ? "No sum differs.\n" : "");
  TextTable table({"processor", "from", "to", "level", "in the sums", "of the payments",
                   "difference", "mended"});
  size_t rows = 0;
  size_t left = 0;
  for (const SumDifference& it : sums.differences) {
    if (!it.mended) ++left;
    if (++rows > rows_max) continue;
    const Gap gap{it.summed.count - it.counted.count,
                  it.summed.amount_cents - it.counted.amount_cents};
    table.Add({NameOf(it.processor, names), TimestampToString(it.from_ms),
               TimestampToString(it.to_ms), std::to_string(it.level), CountAndAmount(it.summed),
               CountAndAmount(it.counted), CountAndAmount(gap), it.mended ? "yes" : "no"});
  }
  text += " (payments / amount):\n" + table.Draw();
  if (rows > rows_max) {
    text += "… and " + std::to_string(rows - rows_max) + " more; --json or --json-file has all\n";
  }
  return text + "sums: " + std::to_string(rows) + ", " + std::to_string(left) +
         " left. Summaries differ from the payments on the books: --repair mends them.\n";
}

}  // namespace

size_t DifferencesLeft(const ReconcileReport& report) {
  size_t left = 0;
  for (const Finding& finding : report.findings) {
    for (const Difference& it : finding.differences) left += IsSettled(finding, it) ? 0U : 1U;
  }
  for (const ProcessorReport& it : report.processors) {
    const auto unexplained = Unexplained(it);
    if (unexplained && *unexplained != Gap{}) ++left;
  }
  for (const SumDifference& it : report.sums.differences) left += it.mended ? 0U : 1U;
  return left;
}

std::optional<Gap> Unexplained(const ProcessorReport& processor) {
  if (!processor.books || !processor.processor) return std::nullopt;
  return Gap{processor.processor->count - processor.books->count - processor.found.count,
             processor.processor->amount_cents - processor.books->amount_cents -
                 processor.found.amount_cents};
}

int ExitCode(const ReconcileReport& report) {
  if (!report.errors.empty()) return 1;
  return DifferencesLeft(report) == 0 ? 0 : 2;
}

std::string ToTable(const ReconcileReport& report, const payments::ProcessorDirectory& names,
                    size_t rows_max) {
  const ReconcileCounts& counts = report.counts;
  std::string text = "Payments from " + TimestampToString(report.range.from_ms) + " to " +
                     TimestampToString(report.range.to_ms) + ": " +
                     std::to_string(counts.compared) + " compared, of which the books hold " +
                     std::to_string(counts.booked) + " booked, " + std::to_string(counts.pending) +
                     " pending, " + std::to_string(counts.rejected) + " rejected";
  if (counts.unknown != 0) text += ", and do not know " + std::to_string(counts.unknown);
  text += ".\n" + AskedTable(report);
  if (report.named_only) text += "Double charges were not looked for (--named-only).\n";
  if (report.range.from_ms < report.known_from_ms) {
    text += "Ids are on the books from about " + TimestampToString(report.known_from_ms) +
            " on; what was booked before is in the summaries alone.\n";
  }
  if (counts.not_counted != 0) {
    text += std::to_string(counts.not_counted) +
            " were claimed before the last purge, or were booked when the books could not remember "
            "them any more: booked, and not in the summary.\n";
  }
  if (counts.too_old != 0) {
    text += std::to_string(counts.too_old) +
            " of --ids are older than what the books know: nothing can be said of them.\n";
  }
  if (counts.damaged != 0) {
    text += std::to_string(counts.damaged) +
            " entries of the books are not of this version; check whether another version shares "
            "them.\n";
  }
  return text + TotalsTable(report) + FindingsTable(report, names, rows_max) +
         SumsTable(report.sums, names, rows_max) + SilentTable(report);
}

}  // namespace tollgate::reconcile

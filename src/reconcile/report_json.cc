// The JSON form of the report.
#include "reconcile/report.h"
#include "tollgate/base/text.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::reconcile {
namespace {

std::string Quoted(std::string_view text) { return base::JsonString(text); }

std::string Member(const char* name, std::string_view value) {
  return "\"" + std::string(name) + "\":" + std::string(value);
}
std::string Number(const char* name, uint64_t value) { return Member(name, std::to_string(value)); }
std::string Flag(const char* name, bool value) {
  return Member(name, value ? std::string_view("true") : std::string_view("false"));
}

std::string Time(int64_t unix_ms) { return Quoted(payments::TimestampToString(unix_ms)); }

std::string AmountAndTime(int64_t cents, int64_t unix_ms) {
  return Member("amount", payments::CentsToString(cents)) + "," +
         Member("requestedAt", Time(unix_ms));
}

std::string GapJson(const Gap& gap) {
  return "{" + Member("totalRequests", std::to_string(gap.count)) + "," +
         Member("totalAmount", payments::CentsToString(gap.amount_cents)) + "}";
}

std::string ProcessorJson(const ProcessorReport& it) {
  const AskerStats& stats = it.stats;
  std::string json = "{" + Member("name", Quoted(it.name)) + "," + Number("asked", stats.asked) +
                     "," + Number("holds", stats.held) + "," + Number("lacks", stats.lacks) + "," +
                     Number("notAnswered", stats.not_answered) + "," + Flag("away", stats.away);
  if (it.has_token && it.books && it.processor) {
    const auto unexplained = Unexplained(it);
    json += "," + Member("books", GapJson(*it.books)) + "," +
            Member("processor", GapJson(*it.processor)) + "," + Member("found", GapJson(it.found)) +
            "," + Member("unexplained", GapJson(*unexplained)) + "," +
            Flag("explained", *unexplained == Gap{});
  }
  return json + "}";
}

std::string SilentJson(const ledger::SilentOwner& it) {
  return "{" + Member("table", Quoted(payments::ToString(it.table))) + "," +
         Number("pending", it.claims) + "," +
         Member("silentSeconds", it.silent_s < 0 ? "null" : std::to_string(it.silent_s)) + "," +
         Flag("gone", it.gone) + "}";
}

std::string NameJson(payments::ProcessorId id, const payments::ProcessorDirectory& names) {
  return id < names.size() ? Quoted(names.Name(id)) : "null";
}

std::string HeldJson(const Subject& subject, const payments::ProcessorDirectory& names) {
  std::string json = "[";
  for (size_t i = 0; i < subject.answers.size(); ++i) {
    const Answer& answer = subject.answers[i];
    if (answer.kind != Answer::Kind::kHeld) continue;
    if (json.size() > 1) json += ",";
    json += "{" + Member("processor", NameJson(static_cast<payments::ProcessorId>(i), names)) +
            "," + AmountAndTime(answer.amount_cents, answer.requested_at_ms) + "}";
  }
  return json + "]";
}

std::string DifferenceJson(const Finding& finding, const Difference& it,
                           const payments::ProcessorDirectory& names) {
  const auto& books = finding.subject.books;
  std::string json = "{" + Member("kind", Quoted(Name(it.kind))) + "," +
                     Member("correlationId", Quoted(payments::ToString(finding.subject.id))) + "," +
                     Member("processor", NameJson(it.processor, names)) + ",\"books\":";
  if (books) {
    json += "{" + Member("state", Quoted(ledger::Name(books->state))) + "," +
            Member("processor", NameJson(books->processor, names)) + "," +
            AmountAndTime(books->amount_cents, books->requested_at_ms) + "}";
  } else {
    json += "null";
  }
  return json + "," + Member("held", HeldJson(finding.subject, names)) + "," +
         Flag("repairable", it.repairable) + "," +
         Flag("repaired", it.repairable && finding.repair == Repair::kDone) + "}";
}

template <typename Items, typename ToText>
std::string List(const Items& items, ToText to_text) {
  std::string json = "[";
  for (const auto& item : items) {
    const std::string text = to_text(item);
    if (text.empty()) continue;
    if (json.size() > 1) json += ",\n";
    json += text;
  }
  return json + "]";
}

std::string SumsJson(const SumsReport& sums, const payments::ProcessorDirectory& names) {
  const auto difference = [&](const SumDifference& it) {
    return "{" + Member("processor", NameJson(it.processor, names)) + "," +
           Member("from", Time(it.from_ms)) + "," + Member("to", Time(it.to_ms)) + "," +
           Number("level", static_cast<uint64_t>(it.level)) + "," +
           Member("summed", GapJson(it.summed)) + "," + Member("counted", GapJson(it.counted)) +
           "," + Flag("mended", it.mended) + "}";
  };
  std::string json = "{" + Flag("compared", sums.compared);
  if (sums.compared) {
    json += "," + Member("from", Time(sums.range.from_ms)) + "," +
            Member("to", Time(sums.range.to_ms)) + "," + Number("unsettled", sums.unsettled) + "," +
            Member("differences", List(sums.differences, difference));
  }
  return json + "}";
}

}  // namespace

std::string ToJson(const ReconcileReport& report, const payments::ProcessorDirectory& names) {
  const ReconcileCounts& counts = report.counts;
  const auto differences = [&](const Finding& finding) {
    std::string text;
    for (const Difference& it : finding.differences) {
      if (!text.empty()) text += ",\n";
      text += DifferenceJson(finding, it, names);
    }
    return text;
  };
  return "{" + Member("from", Time(report.range.from_ms)) + "," +
         Member("to", Time(report.range.to_ms)) + "," +
         Member("idsKnownFrom", Time(report.known_from_ms)) + "," + Flag("repair", report.repair) +
         ",\n" + Number("compared", counts.compared) + "," + Number("booked", counts.booked) + "," +
         Number("pending", counts.pending) + "," + Number("rejected", counts.rejected) + "," +
         Number("unknown", counts.unknown) + "," + Number("notCounted", counts.not_counted) + "," +
         Number("outOfRange", counts.out_of_range) + "," + Number("tooOld", counts.too_old) + "," +
         Number("damaged", counts.damaged) + ",\n" +
         Member("processors", List(report.processors, ProcessorJson)) + ",\n" +
         Member("silentGateways", List(report.silent, SilentJson)) + ",\n" +
         Member("differences", List(report.findings, differences)) + ",\n" +
         Member("sums", SumsJson(report.sums, names)) + ",\n" +
         Number("differencesLeft", uint64_t{DifferencesLeft(report)}) + "," +
         Flag("complete", report.errors.empty()) + "," +
         Member("errors", List(report.errors, [](const std::string& it) { return Quoted(it); })) +
         "}\n";
}

}  // namespace tollgate::reconcile

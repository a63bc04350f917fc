// The JSON form of the report.
#include "reconcile/report.h"
#include "tollgate/base/json_writer.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::reconcile {
namespace {

using base::JsonWriter;

void AddTime(JsonWriter& json, std::string_view name, int64_t unix_ms) {
  json.Key(name).String(payments::TimestampToString(unix_ms));
}

void AddAmountAndTime(JsonWriter& json, int64_t cents, int64_t unix_ms) {
  json.Key("amount").Decimal(payments::CentsToString(cents));
  AddTime(json, "requestedAt", unix_ms);
}

void AddGap(JsonWriter& json, std::string_view name, const Gap& gap) {
  json.Key(name).BeginObject().Key("totalRequests").Number(gap.count);
  json.Key("totalAmount").Decimal(payments::CentsToString(gap.amount_cents)).EndObject();
}

void AddProcessorName(JsonWriter& json, payments::ProcessorId id,
                      const payments::ProcessorDirectory& names) {
  json.Key("processor");
  id < names.size() ? json.String(names.Name(id)) : json.Null();
}

void AddProcessor(JsonWriter& json, const ProcessorReport& it) {
  const AskerStats& stats = it.stats;
  json.BreakLine().BeginObject().Key("name").String(it.name).Key("asked").Number(stats.asked);
  json.Key("holds").Number(stats.held).Key("lacks").Number(stats.lacks);
  json.Key("notAnswered").Number(stats.not_answered).Key("away").Bool(stats.away);
  if (it.has_token && it.books && it.processor) {
    const auto unexplained = Unexplained(it);
    AddGap(json, "books", *it.books);
    AddGap(json, "processor", *it.processor);
    AddGap(json, "found", it.found);
    AddGap(json, "unexplained", *unexplained);
    json.Key("explained").Bool(*unexplained == Gap{});
  }
  json.EndObject();
}

void AddSilent(JsonWriter& json, const ledger::SilentOwner& it) {
  json.BreakLine().BeginObject().Key("table").String(payments::ToString(it.table));
  json.Key("pending").Number(it.claims).Key("silentSeconds");
  it.silent_s < 0 ? json.Null() : json.Number(it.silent_s);
  json.Key("gone").Bool(it.gone).EndObject();
}

void AddHeld(JsonWriter& json, const Subject& subject, const payments::ProcessorDirectory& names) {
  json.Key("held").BeginArray();
  for (size_t i = 0; i < subject.answers.size(); ++i) {
    const Answer& answer = subject.answers[i];
    if (answer.kind != Answer::Kind::kHeld) continue;
    json.BeginObject();
    AddProcessorName(json, static_cast<payments::ProcessorId>(i), names);
    AddAmountAndTime(json, answer.amount_cents, answer.requested_at_ms);
    json.EndObject();
  }
  json.EndArray();
}

void AddBooks(JsonWriter& json, const std::optional<ledger::BookEntry>& books,
              const payments::ProcessorDirectory& names) {
  json.Key("books");
  if (!books) {
    json.Null();
    return;
  }
  json.BeginObject().Key("state").String(ledger::Name(books->state));
  AddProcessorName(json, books->processor, names);
  AddAmountAndTime(json, books->amount_cents, books->requested_at_ms);
  json.EndObject();
}

void AddDifference(JsonWriter& json, const Finding& finding, const Difference& it,
                   const payments::ProcessorDirectory& names) {
  json.BreakLine().BeginObject().Key("kind").String(Name(it.kind));
  json.Key("correlationId").String(payments::ToString(finding.subject.id));
  AddProcessorName(json, it.processor, names);
  AddBooks(json, finding.subject.books, names);
  AddHeld(json, finding.subject, names);
  json.Key("repairable").Bool(it.repairable);
  json.Key("repaired").Bool(it.repairable && finding.repair == Repair::kDone).EndObject();
}

void AddSumDifference(JsonWriter& json, const SumDifference& it,
                      const payments::ProcessorDirectory& names) {
  json.BreakLine().BeginObject();
  AddProcessorName(json, it.processor, names);
  AddTime(json, "from", it.from_ms);
  AddTime(json, "to", it.to_ms);
  json.Key("level").Number(it.level);
  AddGap(json, "summed", it.summed);
  AddGap(json, "counted", it.counted);
  json.Key("mended").Bool(it.mended).EndObject();
}

void AddSums(JsonWriter& json, const SumsReport& sums, const payments::ProcessorDirectory& names) {
  json.BreakLine().Key("sums").BeginObject().Key("compared").Bool(sums.compared);
  if (sums.compared) {
    AddTime(json, "from", sums.range.from_ms);
    AddTime(json, "to", sums.range.to_ms);
    json.Key("unsettled").Number(sums.unsettled).Key("differences").BeginArray();
    for (const SumDifference& it : sums.differences) AddSumDifference(json, it, names);
    json.EndArray();
  }
  json.EndObject();
}

void AddCounts(JsonWriter& json, const ReconcileCounts& counts) {
  json.BreakLine().Key("compared").Number(counts.compared).Key("booked").Number(counts.booked);
  json.Key("pending").Number(counts.pending).Key("rejected").Number(counts.rejected);
  json.Key("unknown").Number(counts.unknown).Key("notCounted").Number(counts.not_counted);
  json.Key("outOfRange").Number(counts.out_of_range).Key("tooOld").Number(counts.too_old);
  json.Key("damaged").Number(counts.damaged);
}

}  // namespace

std::string ToJson(const ReconcileReport& report, const payments::ProcessorDirectory& names) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  AddTime(json, "from", report.range.from_ms);
  AddTime(json, "to", report.range.to_ms);
  AddTime(json, "idsKnownFrom", report.known_from_ms);
  json.Key("repair").Bool(report.repair);
  AddCounts(json, report.counts);
  json.BreakLine().Key("processors").BeginArray();
  for (const ProcessorReport& it : report.processors) AddProcessor(json, it);
  json.EndArray().BreakLine().Key("silentGateways").BeginArray();
  for (const ledger::SilentOwner& it : report.silent) AddSilent(json, it);
  json.EndArray().BreakLine().Key("differences").BeginArray();
  for (const Finding& finding : report.findings) {
    for (const Difference& it : finding.differences) AddDifference(json, finding, it, names);
  }
  json.EndArray();
  AddSums(json, report.sums, names);
  json.BreakLine().Key("differencesLeft").Number(DifferencesLeft(report));
  json.Key("complete").Bool(report.errors.empty()).Key("errors").BeginArray();
  for (const std::string& error : report.errors) json.BreakLine().String(error);
  json.EndArray().EndObject();
  return text + "\n";
}

}  // namespace tollgate::reconcile

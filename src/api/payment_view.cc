#include "api/payment_view.h"

#include <string_view>

#include "tollgate/base/json_writer.h"
#include "tollgate/payments/money.h"
#include "tollgate/payments/timestamp.h"

namespace tollgate::api {
namespace {

using table::SlotState;

struct View {
  payments::Uuid id;
  std::string_view state;
  std::string_view reason;
  int64_t amount_cents = 0;
  payments::ProcessorId processor = payments::kNoProcessor;
  int64_t requested_at_ms = 0;
  int attempt = 0;
};

std::string ToJson(const View& view, const payments::ProcessorDirectory& directory) {
  std::string text;
  base::JsonWriter json(text);
  json.BeginObject().Key("correlationId").String(payments::ToString(view.id));
  json.Key("state").String(view.state);
  json.Key("amount").Decimal(payments::CentsToString(view.amount_cents));
  if (!view.reason.empty()) json.Key("reason").String(view.reason);
  if (view.processor != payments::kNoProcessor) {
    json.Key("processor").String(directory.Label(view.processor));
  }
  if (view.requested_at_ms != 0) {
    json.Key("requestedAt").String(payments::TimestampToString(view.requested_at_ms));
  }
  if (view.attempt != 0) json.Key("attempt").Number(view.attempt);
  json.EndObject();
  return text;
}

}  // namespace

std::string EntryToJson(const payments::Uuid& id, const ledger::BookEntry& entry,
                        const payments::ProcessorDirectory& directory) {
  return ToJson({.id = id,
                 .state = ledger::Name(entry.state),
                 .reason = payments::Name(entry.reason),
                 .amount_cents = entry.amount_cents,
                 .processor = entry.processor,
                 .requested_at_ms = entry.requested_at_ms,
                 .attempt = entry.attempt},
                directory);
}

std::string SnapshotToJson(const table::PaymentTable::Snapshot& snapshot,
                           const payments::ProcessorDirectory& directory) {
  const bool rejected = snapshot.status.reason != payments::RejectReason::kNone &&
                        snapshot.status.state != SlotState::kUnresolved;
  // After a refused attempt, its processor and time no longer apply to the payment.
  const bool sent_nowhere = snapshot.status.state == SlotState::kAccepted;
  return ToJson({.id = snapshot.payment.id,
                 .state = rejected ? "rejected" : table::Name(snapshot.status.state),
                 .reason = payments::Name(snapshot.status.reason),
                 .amount_cents = snapshot.payment.amount_cents,
                 .processor = sent_nowhere ? payments::kNoProcessor : snapshot.status.processor,
                 .requested_at_ms = sent_nowhere ? 0 : snapshot.status.requested_at_ms,
                 .attempt = snapshot.status.attempt},
                directory);
}

}  // namespace tollgate::api

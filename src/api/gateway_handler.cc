#include "tollgate/api/gateway_handler.h"

#include <string>
#include <utility>

#include "api/fixed_answers.h"
#include "api/health_pages.h"
#include "api/payment_view.h"
#include "api/table_search.h"
#include "tollgate/payments/summary.h"

namespace tollgate::api {
namespace {

using http::Method;
using metrics::Refusal;
using server::Responder;

static_assert(server::kBodyPaddingBytes >= payments::kJsonPaddingBytes);

constexpr std::string_view kPaymentsPath = "/payments";
constexpr std::string_view kSummaryPath = "/payments-summary";
constexpr std::string_view kPurgePath = "/purge-payments";
constexpr std::string_view kJson = "application/json";

}  // namespace

GatewayHandler::GatewayHandler(const GatewayOptions& options, const GatewayParts& parts)
    : options_(options),
      parts_(parts),
      parser_(options.body_bytes_max),
      admission_(parts.table, parts.ring),
      search_(std::make_unique<TableSearch>(parts.loop, parts.table)),
      answers_(std::make_unique<FixedAnswers>()) {}
GatewayHandler::~GatewayHandler() = default;

void GatewayHandler::OnRequest(const http::Request& request, Responder responder) {
  // Payments come first: their path costs one comparison.
  if (request.path == kPaymentsPath) {
    if (request.method == Method::kPost) return Accept(request, responder);
    return responder.Send(answers_->only_post);
  }
  if (request.path == kSummaryPath) {
    return IsRead(request.method) ? Summarise(request, responder)
                                  : responder.Send(answers_->only_get);
  }
  if (request.path == kPurgePath) {
    return request.method == Method::kPost ? Purge(responder) : responder.Send(answers_->only_post);
  }
  if (request.path.size() > kPaymentsPath.size() + 1 && request.path.starts_with(kPaymentsPath) &&
      request.path[kPaymentsPath.size()] == '/') {
    return IsRead(request.method) ? Find(request, responder) : responder.Send(answers_->only_get);
  }
  if (AnswerHealth(request, responder, parts_.readiness)) return;
  responder.Send(answers_->not_found);
}

void GatewayHandler::Accept(const http::Request& request, Responder& responder) {
  if (request.body.size() > options_.body_bytes_max) {
    Refuse(Refusal::kInvalid);
    return responder.SendProblem(413, "the body is larger than a payment may be");
  }
  const payments::ParsedPayment parsed = parser_.Parse(request.body);
  if (!parsed.ok()) {
    Refuse(Refusal::kInvalid);
    return responder.SendProblem(400, parsed.problem);
  }
  const auto slot = parts_.table.Acquire(parsed.payment, parts_.loop.wall_ms());
  if (!slot) {
    if (parts_.table.fenced()) {
      Refuse(Refusal::kFenced);
      return responder.Send(answers_->fenced);
    }
    const bool healthy = parts_.table.healthy();
    Refuse(healthy ? Refusal::kTableFull : Refusal::kDiskFailed);
    return responder.Send(healthy ? answers_->table_full : answers_->disk_failed);
  }
  if (admission_.Admit(*slot, responder)) Accepted(responder);
}

void GatewayHandler::Accepted(Responder& responder) {
  parts_.metrics.accepted.Add();
  queued_ = true;
  responder.Send(answers_->accepted);
}
void GatewayHandler::Refuse(Refusal reason) {
  parts_.metrics.refused[static_cast<size_t>(reason)].Add();
}

void GatewayHandler::OnTurnEnd() {
  admission_.OnCommitted([this](Responder& responder) { Accepted(responder); });
  if (!queued_) return;
  queued_ = false;
  parts_.waiters.Notify(parts_.loop.now_ns());
}

void GatewayHandler::Summarise(const http::Request& request, Responder& responder) {
  parts_.metrics.summaries.Add();
  const auto parsed = payments::ParseSummaryQuery(request.query);
  if (!parsed.ok()) return responder.SendProblem(400, parsed.problem);
  parts_.visits.Note(parts_.loop.wall_ms(), parts_.loop.wall_ms());
  parts_.books.GetSummary(parsed.range, [this, responder](const auto& summary) mutable {
    if (!summary) return LedgerAway(responder);
    responder.Send(200, kJson, payments::SummaryToJson(*summary));
  });
}

void GatewayHandler::Purge(Responder& responder) {
  if (!options_.allow_purge) return responder.Send(answers_->purge_forbidden);
  parts_.metrics.purges.Add();
  parts_.books.Purge([this, responder](bool done) mutable {
    if (!done) return LedgerAway(responder);
    responder.Send(200, kJson, R"({"message":"All payments purged."})");
  });
}

// Asks the books, then the table, then the books again. A payment moves from the table to the
// books, so this order cannot miss it. Most payments are found at the first query.
void GatewayHandler::Find(const http::Request& request, Responder& responder) {
  parts_.metrics.lookups.Add();
  const auto id = payments::ParseUuid(request.path.substr(kPaymentsPath.size() + 1));
  if (!id) return responder.SendProblem(404, "the part after /payments/ is not a UUID");
  if (lookups_ == options_.lookups_max) return responder.Send(answers_->lookups_full);
  ++lookups_;
  parts_.books.Find(*id, [this, id = *id, responder](const auto& answer) mutable {
    if (!answer) return EndLookup([&] { LedgerAway(responder); });
    const auto& entry = *answer;
    if (entry && entry->state != ledger::EntryState::kPending) {
      return EndLookup([&] { Show(id, *entry, responder); });
    }
    // It is neither booked nor rejected on the books, so the table has the latest state.
    search_->Find(id, [this, id, entry, responder](const auto& found) mutable {
      if (!found) return FindAgain(id, entry, responder);
      EndLookup([&] { responder.Send(200, kJson, SnapshotToJson(*found, parts_.directory)); });
    });
  });
}

// The payment is not in the table, or has just left it.
void GatewayHandler::FindAgain(const payments::Uuid& id, const Entry& before,
                               Responder& responder) {
  parts_.books.Find(id, [this, id, before, responder](const auto& answer) mutable {
    EndLookup([&] {
      if (!answer) return LedgerAway(responder);
      const Entry& entry = *answer ? *answer : before;
      if (entry) return Show(id, *entry, responder);
      responder.Send(answers_->unknown_payment);
    });
  });
}

void GatewayHandler::Show(const payments::Uuid& id, const ledger::BookEntry& entry,
                          Responder& responder) {
  responder.Send(200, kJson, EntryToJson(id, entry, parts_.directory));
}

template <typename GiveAnswer>
void GatewayHandler::EndLookup(const GiveAnswer& answer) {
  --lookups_;
  answer();
}

void GatewayHandler::LedgerAway(Responder& responder) {
  parts_.metrics.ledger_away.Add();
  responder.Send(answers_->ledger_away);
}

}  // namespace tollgate::api

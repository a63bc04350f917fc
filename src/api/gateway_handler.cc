#include "tollgate/api/gateway_handler.h"

#include <string>
#include <utility>

#include "api/admission.h"
#include "api/health_pages.h"
#include "api/payment_view.h"
#include "api/table_search.h"
#include "tollgate/payments/payment_json.h"
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
constexpr std::string_view kRetryAfter = "Retry-After: 1\r\n";

http::StaticResponse NotAllowed(std::string_view allow, std::string_view detail) {
  return http::StaticResponse::Problem(405, detail, "Allow: " + std::string(allow) + "\r\n");
}

}  // namespace

// Members: half are answers that are rendered once at start-up.
struct GatewayHandler::Impl {
  using Entry = std::optional<ledger::BookEntry>;

  Impl(const GatewayOptions& options_in, const GatewayParts& parts_in)
      : options(options_in),
        parts(parts_in),
        parser(options_in.body_bytes_max),
        admission(parts_in.table, parts_in.ring),
        search(parts_in.loop, parts_in.table) {}

  void OnRequest(const http::Request& request, Responder responder) {
    // Payments come first: their path costs one comparison.
    if (request.path == kPaymentsPath) {
      if (request.method == Method::kPost) return Accept(request, responder);
      return responder.Send(only_post);
    }
    if (request.path == kSummaryPath) {
      return IsRead(request.method) ? Summarise(request, responder) : responder.Send(only_get);
    }
    if (request.path == kPurgePath) {
      return request.method == Method::kPost ? Purge(responder) : responder.Send(only_post);
    }
    if (request.path.size() > kPaymentsPath.size() + 1 && request.path.starts_with(kPaymentsPath) &&
        request.path[kPaymentsPath.size()] == '/') {
      return IsRead(request.method) ? Find(request, responder) : responder.Send(only_get);
    }
    if (AnswerHealth(request, responder, parts.readiness)) return;
    responder.Send(not_found);
  }

  void Accept(const http::Request& request, Responder& responder) {
    if (request.body.size() > options.body_bytes_max) {
      Refuse(Refusal::kInvalid);
      return responder.SendProblem(413, "the body is larger than a payment may be");
    }
    const payments::ParsedPayment parsed = parser.Parse(request.body);
    if (!parsed.ok()) {
      Refuse(Refusal::kInvalid);
      return responder.SendProblem(400, parsed.problem);
    }
    const auto slot = parts.table.Acquire(parsed.payment, parts.loop.wall_ms());
    if (!slot) {
      if (parts.table.fenced()) {
        Refuse(Refusal::kFenced);
        return responder.Send(fenced);
      }
      const bool healthy = parts.table.healthy();
      Refuse(healthy ? Refusal::kTableFull : Refusal::kDiskFailed);
      return responder.Send(healthy ? table_full : disk_failed);
    }
    if (admission.Admit(*slot, responder)) Accepted(responder);
  }

  // Call it when the payment is in the ring.
  void Accepted(Responder& responder) {
    parts.metrics.accepted.Add();
    queued = true;
    responder.Send(accepted);
  }
  void Refuse(Refusal reason) { parts.metrics.refused[static_cast<size_t>(reason)].Add(); }

  void OnTurnEnd() {
    admission.OnCommitted([this](Responder& responder) { Accepted(responder); });
    if (!queued) return;
    queued = false;
    parts.waiters.Notify(parts.loop.now_ns());
  }

  void Summarise(const http::Request& request, Responder& responder) {
    parts.metrics.summaries.Add();
    const auto parsed = payments::ParseSummaryQuery(request.query);
    if (!parsed.ok()) return responder.SendProblem(400, parsed.problem);
    parts.visits.Note(parts.loop.wall_ms(), parts.loop.wall_ms());
    parts.books.GetSummary(parsed.range, [this, responder](const auto& summary) mutable {
      if (!summary) return LedgerAway(responder);
      responder.Send(200, kJson, payments::SummaryToJson(*summary));
    });
  }

  void Purge(Responder& responder) {
    if (!options.allow_purge) return responder.Send(purge_forbidden);
    parts.metrics.purges.Add();
    parts.books.Purge([this, responder](bool done) mutable {
      if (!done) return LedgerAway(responder);
      responder.Send(200, kJson, R"({"message":"All payments purged."})");
    });
  }

  // Asks the books, then the table, then the books again. A payment moves from the table to the
  // books, so this order cannot miss it. Most payments are found at the first query.
  void Find(const http::Request& request, Responder& responder) {
    parts.metrics.lookups.Add();
    const auto id = payments::ParseUuid(request.path.substr(kPaymentsPath.size() + 1));
    if (!id) return responder.SendProblem(404, "the part after /payments/ is not a UUID");
    if (lookups == options.lookups_max) return responder.Send(lookups_full);
    ++lookups;
    parts.books.Find(*id, [this, id = *id, responder](const auto& answer) mutable {
      if (!answer) return EndLookup([&] { LedgerAway(responder); });
      const auto& entry = *answer;
      if (entry && entry->state != ledger::EntryState::kPending) {
        return EndLookup([&] { Show(id, *entry, responder); });
      }
      // It is neither booked nor rejected on the books, so the table has the latest state.
      search.Find(id, [this, id, entry, responder](const auto& found) mutable {
        if (!found) return FindAgain(id, entry, responder);
        EndLookup([&] { responder.Send(200, kJson, SnapshotToJson(*found, parts.directory)); });
      });
    });
  }

  // The payment is not in the table, or has just left it.
  void FindAgain(const payments::Uuid& id, const Entry& before, Responder& responder) {
    parts.books.Find(id, [this, id, before, responder](const auto& answer) mutable {
      EndLookup([&] {
        if (!answer) return LedgerAway(responder);
        const Entry& entry = *answer ? *answer : before;
        if (entry) return Show(id, *entry, responder);
        responder.Send(unknown_payment);
      });
    });
  }

  void Show(const payments::Uuid& id, const ledger::BookEntry& entry, Responder& responder) {
    responder.Send(200, kJson, EntryToJson(id, entry, parts.directory));
  }

  template <typename GiveAnswer>
  void EndLookup(const GiveAnswer& answer) {
    --lookups;
    answer();
  }

  void LedgerAway(Responder& responder) {
    parts.metrics.ledger_away.Add();
    responder.Send(ledger_away);
  }

  const GatewayOptions options;
  const GatewayParts parts;
  payments::PaymentParser parser;
  Admission<Responder> admission;
  TableSearch search;
  size_t lookups = 0;   // in progress
  bool queued = false;  // payments were queued in this turn

  const http::StaticResponse accepted{202, "", ""};
  const http::StaticResponse only_post =
      NotAllowed("POST", "this path takes POST; docs/openapi.yaml lists the paths");
  const http::StaticResponse only_get = NotAllowed("GET, HEAD", "this path is read with GET");
  const http::StaticResponse not_found = http::StaticResponse::Problem(
      404,
      "paths: POST /payments, GET /payments/{id}, GET /payments-summary, "
      "POST /purge-payments, GET /healthz, GET /readyz");
  const http::StaticResponse purge_forbidden = http::StaticResponse::Problem(
      403, "purging is off; start the gateway with ALLOW_PURGE=true to allow it");
  const http::StaticResponse table_full = http::StaticResponse::Problem(
      503, "the table of pending payments is full; send it again a little later", kRetryAfter);
  const http::StaticResponse fenced = http::StaticResponse::Problem(
      503, "another instance works with a copy of this instance's table; send it to another one",
      kRetryAfter);
  const http::StaticResponse disk_failed = http::StaticResponse::Problem(
      503, "the disk does not take payments at the moment; send it again a little later",
      kRetryAfter);
  const http::StaticResponse lookups_full = http::StaticResponse::Problem(
      503, "too many look-ups wait for an answer; ask again a little later", kRetryAfter);
  const http::StaticResponse unknown_payment = http::StaticResponse::Problem(
      404, "no payment with this correlationId is on the books or in this instance's table");
  const http::StaticResponse ledger_away = http::StaticResponse::Problem(
      503, "the books cannot be read at the moment; ask again a little later", kRetryAfter);
};

GatewayHandler::GatewayHandler(const GatewayOptions& options, const GatewayParts& parts)
    : impl_(std::make_unique<Impl>(options, parts)) {}
GatewayHandler::~GatewayHandler() = default;
void GatewayHandler::OnRequest(const http::Request& request, Responder responder) {
  impl_->OnRequest(request, responder);
}
void GatewayHandler::OnTurnEnd() { impl_->OnTurnEnd(); }

}  // namespace tollgate::api

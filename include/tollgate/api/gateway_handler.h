// GatewayHandler: the gateway's HTTP interface (docs/openapi.yaml): payments, summary, purge,
// look-up, health. There is one per acceptor.
//
// Thread: the acceptor's loop.
// Owns: its JSON parser, the pre-rendered answers, the answers that wait for a group commit, and
// the look-ups in progress.
// Invariants: 202 is sent only after the payment's slot is published (and committed, with disk
// durability). A payment never waits for the ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "tollgate/api/admission.h"
#include "tollgate/api/readiness.h"
#include "tollgate/base/mpmc_ring.h"
#include "tollgate/base/recent_times.h"
#include "tollgate/ledger/books.h"
#include "tollgate/metrics/instruments.h"
#include "tollgate/net/event_loop.h"
#include "tollgate/net/waiter_list.h"
#include "tollgate/payments/payment_json.h"
#include "tollgate/payments/processor_directory.h"
#include "tollgate/server/http_server.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::api {

// The parts of a handler (src/api).
class TableSearch;
struct FixedAnswers;

struct GatewayOptions {
  bool allow_purge = false;
  size_t body_bytes_max = 64 * 1024;
  // Requests of GET /payments/{id} in progress. Each has at most one query at the books.
  size_t lookups_max = 256;
};

// What a handler works with. All of it outlives the handler.
struct GatewayParts {
  net::EventLoop& loop;
  table::PaymentTable& table;
  base::MpmcRing<table::SlotIndex>& ring;
  net::WaiterList& waiters;
  ledger::Books& books;
  const payments::ProcessorDirectory& directory;
  metrics::AcceptorMetrics& metrics;
  base::RecentTimes& visits;  // of those who ask for a summary
  Readiness readiness;
};

class GatewayHandler final : public server::RequestHandler {
 public:
  GatewayHandler(const GatewayOptions& options, const GatewayParts& parts);
  ~GatewayHandler() override;

  void OnRequest(const http::Request& request, server::Responder responder) override;
  // The loop's turn hook. It answers the payments that a group commit covers. Then it wakes a
  // worker for the payments that were queued in this turn.
  void OnTurnEnd();

 private:
  using Entry = std::optional<ledger::BookEntry>;

  void Accept(const http::Request& request, server::Responder& responder);
  // Call it when the payment is in the ring.
  void Accepted(server::Responder& responder);
  void Refuse(metrics::Refusal reason);
  void Summarise(const http::Request& request, server::Responder& responder);
  void Purge(server::Responder& responder);
  void Find(const http::Request& request, server::Responder& responder);
  void FindAgain(const payments::Uuid& id, const Entry& before, server::Responder& responder);
  void Show(const payments::Uuid& id, const ledger::BookEntry& entry, server::Responder& responder);
  template <typename GiveAnswer>
  void EndLookup(const GiveAnswer& answer);
  void LedgerAway(server::Responder& responder);

  const GatewayOptions options_;
  const GatewayParts parts_;
  payments::PaymentParser parser_;
  Admission<server::Responder> admission_;
  const std::unique_ptr<TableSearch> search_;
  const std::unique_ptr<const FixedAnswers> answers_;
  size_t lookups_ = 0;   // in progress
  bool queued_ = false;  // payments were queued in this turn
};

}  // namespace tollgate::api

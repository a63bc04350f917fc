#include "api/health_pages.h"

#include "tollgate/base/clock.h"
#include "tollgate/payments/limits.h"

namespace tollgate::api {

namespace {

using ledger::BooksStanding;

// The reason why payments must not be sent here. Empty if they may be.
std::string_view WhyNot(const Readiness& readiness) {
  if (readiness.draining.load(std::memory_order_relaxed)) {
    return "shutting down: send payments to another instance";
  }
  switch (readiness.standing.load(std::memory_order_relaxed)) {
    case BooksStanding::kUnknown:
    case BooksStanding::kOurs:
      break;
    case BooksStanding::kOthers:
    case BooksStanding::kStrangers:
      return "these books are not those of this instance: see its log";
    case BooksStanding::kLossy:
      return "the books have lost payments: run tollgate reconcile, then tollgate books "
             "accept-loss";
    case BooksStanding::kNotNewest:
      return "another instance works with a copy of this instance's table: stop the copy";
  }
  if (!payments::IsRequestedAt(base::SystemClock().WallMillis())) {
    return "the clock of this machine is outside 2025 to 2059: payments are taken and kept, and "
           "none "
           "is sent until it is set right";
  }
  return {};
}

}  // namespace

bool AnswerHealth(const http::Request& request, server::Responder& responder,
                  const Readiness& readiness) {
  const bool ready_page = request.path == "/readyz";
  if (!ready_page && request.path != "/healthz") return false;
  if (!IsRead(request.method)) {
    responder.SendProblem(405, "this page is read with GET", "Allow: GET, HEAD\r\n");
  } else if (const std::string_view why = ready_page ? WhyNot(readiness) : ""; !why.empty()) {
    responder.SendProblem(503, why, "Retry-After: 1\r\n");
  } else {
    responder.Send(200, "text/plain; charset=utf-8", ready_page ? "ready\n" : "alive\n");
  }
  return true;
}

}  // namespace tollgate::api

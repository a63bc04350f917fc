#include "tollgate/api/admin_handler.h"

#include <utility>

#include "api/health_pages.h"
#include "tollgate/metrics/exposition.h"

namespace tollgate::api {

AdminHandler::AdminHandler(AdminPages pages, const Readiness& readiness)
    : pages_(std::move(pages)), readiness_(readiness) {}

void AdminHandler::OnRequest(const http::Request& request, server::Responder responder) {
  if (AnswerHealth(request, responder, readiness_)) return;
  const bool is_metrics = request.path == "/metrics";
  if (!is_metrics && request.path != "/admin/routing") {
    return responder.SendProblem(404,
                                 "the admin listener has /metrics, /admin/routing, /healthz "
                                 "and /readyz");
  }
  if (!IsRead(request.method)) {
    return responder.SendProblem(405, "this page is read with GET", "Allow: GET, HEAD\r\n");
  }
  if (is_metrics) {
    return responder.Send(200, metrics::kMetricsContentType, pages_.metrics());
  }
  responder.Send(200, "application/json", pages_.routing());
}

}  // namespace tollgate::api

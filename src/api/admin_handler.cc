#include "tollgate/api/admin_handler.h"

#include <utility>

#include "api/health_pages.h"

namespace tollgate::api {

AdminHandler::AdminHandler(AdminPages pages, const Readiness& readiness)
    : pages_(std::move(pages)), readiness_(readiness) {}

void AdminHandler::OnRequest(const http::Request& request, server::Responder responder) {
  if (AnswerHealth(request, responder, readiness_)) return;
  const bool metrics = request.path == "/metrics";
  if (!metrics && request.path != "/admin/routing") {
    return responder.SendProblem(404,
                                 "the admin listener has /metrics, /admin/routing, /healthz "
                                 "and /readyz");
  }
  if (!IsRead(request.method)) {
    return responder.SendProblem(405, "this page is read with GET", "Allow: GET, HEAD\r\n");
  }
  if (metrics) {
    return responder.Send(200, "text/plain; version=0.0.4; charset=utf-8", pages_.metrics());
  }
  responder.Send(200, "application/json", pages_.routing());
}

}  // namespace tollgate::api

#include "api/health_pages.h"

namespace tollgate::api {

bool AnswerHealth(const http::Request& request, server::Responder& responder, bool draining) {
  const bool ready_page = request.path == "/readyz";
  if (!ready_page && request.path != "/healthz") return false;
  if (!IsRead(request.method)) {
    responder.SendProblem(405, "this page is read with GET", "Allow: GET, HEAD\r\n");
  } else if (ready_page && draining) {
    responder.SendProblem(503, "shutting down: send payments to another instance",
                          "Retry-After: 1\r\n");
  } else {
    responder.Send(200, "text/plain; charset=utf-8", ready_page ? "ready\n" : "alive\n");
  }
  return true;
}

}  // namespace tollgate::api

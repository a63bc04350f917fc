// /healthz (the process responds) and /readyz (it accepts payments), on both listeners.
//
// Thread: pure. The answers are constant.
#pragma once

#include <string_view>

#include "tollgate/api/readiness.h"
#include "tollgate/http/request.h"
#include "tollgate/server/http_server.h"

namespace tollgate::api {

inline bool IsRead(http::Method method) {
  return method == http::Method::kGet || method == http::Method::kHead;
}

// Answers the request if its path is one of the two. Returns false otherwise.
bool AnswerHealth(const http::Request& request, server::Responder& responder,
                  const Readiness& readiness);

}  // namespace tollgate::api

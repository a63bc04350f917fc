// /healthz (the process answers) and /readyz (it takes payments), on both listeners.
//
// Thread: pure; the answers are constant.
#pragma once

#include <string_view>

#include "tollgate/api/readiness.h"
#include "tollgate/http/request.h"
#include "tollgate/server/http_server.h"

namespace tollgate::api {

inline bool IsRead(http::Method method) {
  return method == http::Method::kGet || method == http::Method::kHead;
}

// Answers if the path is one of the two; false otherwise.
bool AnswerHealth(const http::Request& request, server::Responder& responder,
                  const Readiness& readiness);

}  // namespace tollgate::api

// FixedAnswers: the answers of a gateway that never change, rendered once at start-up.
//
// Thread: any. The answers are constant.
#pragma once

#include <string>
#include <string_view>

#include "tollgate/http/response.h"

namespace tollgate::api {

inline http::StaticResponse NotAllowed(std::string_view allow, std::string_view detail) {
  return http::StaticResponse::Problem(405, detail, "Allow: " + std::string(allow) + "\r\n");
}

struct FixedAnswers {
  static constexpr std::string_view kRetryAfter = "Retry-After: 1\r\n";

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

}  // namespace tollgate::api

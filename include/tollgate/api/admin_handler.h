// AdminHandler: the admin listener's pages: metrics, health, routing. It is never in a payment's
// path.
//
// Thread: the loop of the admin server (the health thread's).
#pragma once

#include <functional>
#include <string>

#include "tollgate/api/readiness.h"
#include "tollgate/server/http_server.h"

namespace tollgate::api {

struct AdminPages {
  std::function<std::string()> metrics;  // Prometheus text
  std::function<std::string()> routing;  // JSON
};

class AdminHandler final : public server::RequestHandler {
 public:
  AdminHandler(AdminPages pages, const Readiness& readiness);
  void OnRequest(const http::Request& request, server::Responder responder) override;

 private:
  const AdminPages pages_;
  const Readiness readiness_;
};

}  // namespace tollgate::api

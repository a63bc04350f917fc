// RoutingReport: reports where payments go, and why, for the log and the admin page. No decision
// depends on it.
//
// Thread: one worker's.
// Owns: what was reported last, so that nothing is reported twice.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "forward/reports.h"
#include "forward/router.h"
#include "tollgate/forward/explain.h"

namespace tollgate::forward {

class RoutingReport {
 public:
  // REQUIRES: all outlive it.
  RoutingReport(const ForwarderOptions& options, const payments::ProcessorDirectory& directory,
                const Router& router, const Reports& reports);

  // Call if a breaker or the cap of unknown outcomes may have changed: reports it if so. `why` is
  // the reason.
  void ReportPassedOver(payments::ProcessorId id, std::string_view why);
  // Reports where payments go if that has changed: at most once a second, by one forwarder of the
  // instance. Call it once a turn. `now_ns`, here and below: monotonic.
  void ReportRoute(int64_t now_ns);
  // All of Routing but `claims`.
  Routing Why(int64_t now_ns) const;

 private:
  // Departures and pauses are left out: they would change the route many times a second.
  Moment MomentForPeople(int64_t now_ns) const;
  // Where a payment that comes now would go; kNoProcessor: it would wait.
  payments::ProcessorId RouteNow(int64_t now_ns) const;

  const ForwarderOptions& options_;
  const payments::ProcessorDirectory& directory_;
  const Router& router_;
  const Reports& reports_;
  std::array<bool, payments::kProcessorsMax> passed_over_{};
  payments::ProcessorId route_ = payments::kNoProcessor;
  int64_t reported_ns_ = 0;
};

}  // namespace tollgate::forward

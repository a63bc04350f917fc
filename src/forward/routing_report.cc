#include "forward/routing_report.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::forward {

RoutingReport::RoutingReport(const ForwarderOptions& options,
                             const payments::ProcessorDirectory& directory, const Router& router,
                             const Reports& reports)
    : options_(options), directory_(directory), router_(router), reports_(reports) {}

void RoutingReport::ReportPassedOver(payments::ProcessorId id, std::string_view why) {
  const bool passed_over = router_.State(id).passed_over();
  if (passed_over_[id] == passed_over) return;
  passed_over_[id] = passed_over;
  if (options_.report_routing) options_.report_routing(id, passed_over, why);
}

Moment RoutingReport::MomentForPeople(int64_t now_ns) const {
  Moment moment = router_.MomentNow(now_ns);
  moment.may_hold = false;
  return moment;
}

Routing RoutingReport::Why(int64_t now_ns) const {
  Router::Views all;
  const std::span<ProcessorView> views = router_.FillViews(all, now_ns);
  return Explain({views.begin(), views.end()}, MomentForPeople(now_ns), options_.policy,
                 options_.choose);
}

payments::ProcessorId RoutingReport::RouteNow(int64_t now_ns) const {
  Router::Views all;
  const std::span<ProcessorView> views = router_.FillViews(all, now_ns);
  LeaveOutTrials(views);
  return options_.choose(views, MomentForPeople(now_ns), options_.policy).processor;
}

void RoutingReport::ReportRoute(int64_t now_ns) {
  if (!options_.report || options_.index != 0) return;
  if (now_ns - reported_ns_ < base::kNanosPerSecond) return;
  reported_ns_ = now_ns;
  const payments::ProcessorId route = RouteNow(now_ns);
  if (route == route_) return;
  route_ = route;
  std::vector<std::string> names;
  for (size_t id = 0; id < directory_.configured_count(); ++id) {
    names.push_back(directory_.Name(static_cast<payments::ProcessorId>(id)));
  }
  reports_.Info("routing: " + Describe(Why(now_ns), names));
}

}  // namespace tollgate::forward

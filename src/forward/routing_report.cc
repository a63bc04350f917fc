// Where payments go, and why, for the log and for people.
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "forward/forwarder_impl.h"

namespace tollgate::forward {

Routing Forwarder::Impl::Why() const {
  std::vector<ProcessorView> views;
  for (const ProcessorState& state : states) views.push_back(state.View(now_ns, Waiting()));
  Routing routing = Explain(std::move(views), MomentNow(), options.policy, options.choose);
  routing.claims = !fenced && !replay.active() && ledger.can_claim();
  return routing;
}

// Where a payment that comes now would go; kNoProcessor: it would wait.
payments::ProcessorId Forwarder::Impl::RouteNow() const {
  std::array<ProcessorView, payments::kProcessorsMax> all;
  const std::span<ProcessorView> views(all.data(), states.size());
  for (size_t i = 0; i < states.size(); ++i) views[i] = states[i].View(now_ns, Waiting());
  LeaveOutTrials(views);
  return options.choose(views, MomentNow(), options.policy).processor;
}

// Where payments go is told when it has changed, at most once a second, and by one forwarder for
// all of its instance.
void Forwarder::Impl::TellRoute() {
  if (!options.tell || options.index != 0) return;
  if (now_ns - route_told_ns < base::kNanosPerSecond) return;
  route_told_ns = now_ns;
  const payments::ProcessorId route = RouteNow();
  if (route == told_route) return;
  told_route = route;
  const Routing routing = Why();
  std::vector<std::string> names;
  for (size_t i = 0; i < states.size(); ++i) {
    names.push_back(directory.Name(static_cast<payments::ProcessorId>(i)));
  }
  reports.Info("routing: " + forward::Describe(routing, names));
}

}  // namespace tollgate::forward

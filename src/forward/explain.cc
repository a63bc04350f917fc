#include "tollgate/forward/explain.h"

#include <array>
#include <cstdio>

namespace tollgate::forward {
namespace {

std::string Percent(int64_t ppm) {
  std::array<char, 32> text;
  const int size =
      std::snprintf(text.data(), text.size(), "%.2f %%", static_cast<double>(ppm) / 1e4);
  return {text.data(), static_cast<size_t>(size)};
}

std::string Time(int64_t ms) {
  std::array<char, 32> text;
  const int size =
      ms < 1'000 ? std::snprintf(text.data(), text.size(), "%d ms", static_cast<int>(ms))
                 : std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1e3);
  return {text.data(), static_cast<size_t>(size)};
}

// What keeps it from taking a payment now; empty if nothing does.
std::string Obstacle(const ProcessorView& view, const CostEstimate& it) {
  switch (view.availability) {
    case Availability::kOpenForAll:
      return it.ready ? "" : "slow, so it gets payments in bursts; ";
    case Availability::kProbeDue:
    case Availability::kBreakerOpen:
      return "out of order, back in about " + Time(view.recovers_in_ms) + "; ";
    case Availability::kFull:
      return "full with " + std::to_string(view.in_flight) + " in flight" +
             (it.wait_ms == kNever ? ", and more come than go; "
                                   : ", its line gone in " + Time(it.wait_ms) + "; ");
    case Availability::kUnresolvedCap:
      return "too many payments of unknown outcome; ";
  }
  return {};
}

std::string ExplainChoice(const ProcessorView& view, const CostEstimate& it) {
  std::string why = Obstacle(view, it);
  if (it.cost_ppm == kNever) return why + "not to be waited for";
  const bool out = view.availability == Availability::kProbeDue ||
                   view.availability == Availability::kBreakerOpen;
  why += Percent(it.cost_ppm) + ": " + Percent(view.fee_ppm) + " fee, " +
         Percent(it.cost_ppm - view.fee_ppm) + " for ";
  if (it.wait_ms > 0) why += Time(it.wait_ms) + " of waiting and ";
  why += Time(out ? view.usual_latency_ms : view.latency_ms) + " in flight";
  if (it.crosses_audit) why += "; booked across an audit";
  if (it.misses_cutoff) why += "; booked after the cutoff";
  return why;
}

}  // namespace

void LeaveOutTrials(std::span<ProcessorView> views) {
  for (ProcessorView& view : views) {
    view.sample_due = false;
    if (view.availability == Availability::kProbeDue)
      view.availability = Availability::kBreakerOpen;
  }
}

Routing Explain(std::vector<ProcessorView> views, const Moment& moment,
                const PolicyOptions& options, ChooseFunction choose) {
  Routing routing{.moment = moment, .processors = {}};
  LeaveOutTrials(views);
  const Choice choice = choose(views, moment, options);
  routing.waits = choice.processor == payments::kNoProcessor;
  routing.moment.other_unavailable_ppm = UnavailableOfBestReady(views, moment, options);
  for (const ProcessorView& view : views) {
    const CostEstimate it = EstimateCost(view, routing.moment, options);
    routing.processors.push_back({.view = view,
                                  .estimate = it,
                                  .chosen = view.id == choice.processor,
                                  .why = ExplainChoice(view, it)});
  }
  return routing;
}

std::string Describe(const Routing& routing, const std::vector<std::string>& names) {
  std::string text = routing.waits ? "payments wait" : "payments go to ";
  for (const Reasons& it : routing.processors) {
    if (it.chosen) text += names[it.view.id] + " (" + it.why + ")";
  }
  for (const Reasons& it : routing.processors) {
    if (!it.chosen) text += "; " + names[it.view.id] + ": " + it.why;
  }
  return text;
}

}  // namespace tollgate::forward

#include "app/routing_page.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace tollgate::app {
namespace {

forward::Routing TwoProcessors() {
  forward::Routing routing;
  routing.claims = true;
  routing.moment.waiting = 7;
  routing.moment.arrivals_per_s = 120;
  routing.moment.left_ms = 90'000;
  forward::Reasons first;
  first.view = {.id = 0,
                .fee_ppm = 50'000,
                .latency_ms = 3,
                .recovers_in_ms = 4,
                .usual_latency_ms = 5,
                .unavailable_ppm = 6,
                .in_flight = 8,
                .in_flight_cap = 350};
  first.estimate = {.wait_ms = 0, .cost_ppm = 50'300, .ready = true, .crosses_audit = true};
  first.chosen = true;
  first.why = "5.03 %: 5.00 % fee and 0.03 % for \"3 ms\"";
  forward::Reasons second;
  second.view.id = 1;
  second.view.availability = forward::Availability::kBreakerOpen;
  second.estimate = {
      .wait_ms = forward::kNever, .cost_ppm = forward::kNever, .misses_cutoff = true};
  routing.processors = {first, second};
  return routing;
}

TEST(RoutingPage, SaysForEachWorkerWhyEachProcessorIsChosenOrNot) {
  const payments::ProcessorDirectory directory({"default", "fallback"});
  EXPECT_EQ(RoutingJson(directory, 2, {TwoProcessors(), std::nullopt}),
            R"({"instances":2,"workers":[{"claims":true,"waits":false,"waiting":7,)"
            R"("arrivalsPerSecond":120,"quiet":false,"leftMs":90000,"processors":[)"
            R"({"processor":"default","chosen":true,"standing":"open",)"
            R"("why":"5.03 %: 5.00 % fee and 0.03 % for \"3 ms\"","costPpm":50300,"feePpm":50000,)"
            R"("waitMs":0,"latencyMs":3,"usualLatencyMs":5,"backInMs":4,"weakPpm":6,)"
            R"("crossesAudit":true,"missesCutoff":false,"inFlight":8,"inFlightCap":350},)"
            R"({"processor":"fallback","chosen":false,"standing":"breaker open",)"
            R"("why":"","costPpm":null,"feePpm":0,)"
            R"("waitMs":null,"latencyMs":0,"usualLatencyMs":0,"backInMs":0,"weakPpm":0,)"
            R"("crossesAudit":false,"missesCutoff":true,"inFlight":0,"inFlightCap":0}]},null]})"
            "\n");
}

TEST(RoutingPage, IsJsonWithoutProcessorsToo) {
  const payments::ProcessorDirectory directory({"default"});
  EXPECT_EQ(RoutingJson(directory, 1, {forward::Routing{}}),
            R"({"instances":1,"workers":[{"claims":false,"waits":false,"waiting":0,)"
            R"("arrivalsPerSecond":0,"quiet":false,"leftMs":null,"processors":[]}]})"
            "\n");
}

}  // namespace
}  // namespace tollgate::app

#include "app/routing_page.h"

#include <chrono>
#include <future>

#include "tollgate/base/text.h"

namespace tollgate::app {
namespace {

// Short, because the health thread must also renew the lease.
constexpr std::chrono::milliseconds kPatience(200);

// A time or cost. kNever becomes null.
std::string Number(int64_t value) {
  return value == forward::kNever ? "null" : std::to_string(value);
}
const char* Truth(bool value) { return value ? "true" : "false"; }

std::string ProcessorJson(const payments::ProcessorDirectory& directory,
                          const forward::Reasons& it) {
  const forward::ProcessorView& view = it.view;
  return "{\"processor\":" + base::JsonString(directory.Name(view.id)) +
         ",\"chosen\":" + Truth(it.chosen) + ",\"standing\":\"" + forward::Name(view.availability) +
         "\",\"why\":" + base::JsonString(it.why) + ",\"costPpm\":" + Number(it.estimate.cost_ppm) +
         ",\"feePpm\":" + std::to_string(view.fee_ppm) +
         ",\"waitMs\":" + Number(it.estimate.wait_ms) +
         ",\"latencyMs\":" + std::to_string(view.latency_ms) +
         ",\"usualLatencyMs\":" + std::to_string(view.usual_latency_ms) +
         ",\"backInMs\":" + std::to_string(view.recovers_in_ms) +
         ",\"weakPpm\":" + std::to_string(view.unavailable_ppm) +
         ",\"crossesAudit\":" + Truth(it.estimate.crosses_audit) +
         ",\"missesCutoff\":" + Truth(it.estimate.misses_cutoff) +
         ",\"inFlight\":" + std::to_string(view.in_flight) +
         ",\"inFlightCap\":" + std::to_string(view.in_flight_cap) + "}";
}

std::string WorkerJson(const payments::ProcessorDirectory& directory,
                       const forward::Routing& routing) {
  const forward::Moment& moment = routing.moment;
  std::string json = std::string("{\"claims\":") + Truth(routing.claims) +
                     ",\"waits\":" + Truth(routing.waits) +
                     ",\"waiting\":" + std::to_string(moment.waiting) +
                     ",\"arrivalsPerSecond\":" + std::to_string(moment.arrivals_per_s) +
                     ",\"quiet\":" + Truth(moment.load_ended) +
                     ",\"leftMs\":" + Number(moment.left_ms) + ",\"processors\":[";
  for (size_t i = 0; i < routing.processors.size(); ++i) {
    json += (i == 0 ? "" : ",") + ProcessorJson(directory, routing.processors[i]);
  }
  return json + "]}";
}

}  // namespace

std::string RoutingJson(const payments::ProcessorDirectory& directory, uint32_t instances,
                        const std::vector<std::optional<forward::Routing>>& workers) {
  std::string json = "{\"instances\":" + std::to_string(instances) + ",\"workers\":[";
  for (size_t i = 0; i < workers.size(); ++i) {
    json += (i == 0 ? "" : ",") + (workers[i] ? WorkerJson(directory, *workers[i]) : "null");
  }
  return json + "]}\n";
}

std::string RoutingPage(const GatewayContext& context,
                        const std::vector<std::unique_ptr<WorkerThread>>& workers) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::vector<std::future<forward::Routing>> asked;
  asked.reserve(workers.size());
  for (const auto& worker : workers) asked.push_back(worker->AskWhy());
  std::vector<std::optional<forward::Routing>> answers;
  answers.reserve(asked.size());
  for (auto& it : asked) answers.push_back(LoopThread::Await(std::move(it), deadline));
  return RoutingJson(context.directory, context.health.instances(), answers);
}

}  // namespace tollgate::app

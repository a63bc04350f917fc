#include "app/routing_page.h"

#include <chrono>
#include <future>
#include <string_view>
#include <utility>

#include "tollgate/base/json_writer.h"

namespace tollgate::app {
namespace {

// Short, because the health thread must also renew the lease.
constexpr std::chrono::milliseconds kPatience(200);

// A time or cost. kNever becomes null.
void AddEstimate(base::JsonWriter& json, std::string_view name, int64_t value) {
  json.Key(name);
  value == forward::kNever ? json.Null() : json.Number(value);
}

void AddProcessor(base::JsonWriter& json, const payments::ProcessorDirectory& directory,
                  const forward::Reasons& it) {
  const forward::ProcessorView& view = it.view;
  json.BeginObject().Key("processor").String(directory.Name(view.id));
  json.Key("chosen").Bool(it.chosen).Key("standing").String(forward::Name(view.availability));
  json.Key("why").String(it.why);
  AddEstimate(json, "costPpm", it.estimate.cost_ppm);
  json.Key("feePpm").Number(view.fee_ppm);
  AddEstimate(json, "waitMs", it.estimate.wait_ms);
  json.Key("latencyMs").Number(view.latency_ms);
  json.Key("usualLatencyMs").Number(view.usual_latency_ms);
  json.Key("backInMs").Number(view.recovers_in_ms);
  json.Key("weakPpm").Number(view.unavailable_ppm);
  json.Key("crossesAudit").Bool(it.estimate.crosses_audit);
  json.Key("missesCutoff").Bool(it.estimate.misses_cutoff);
  json.Key("inFlight").Number(view.in_flight);
  json.Key("inFlightCap").Number(view.in_flight_cap).EndObject();
}

void AddWorker(base::JsonWriter& json, const payments::ProcessorDirectory& directory,
               const forward::Routing& routing) {
  const forward::Moment& moment = routing.moment;
  json.BeginObject().Key("claims").Bool(routing.claims).Key("waits").Bool(routing.waits);
  json.Key("waiting").Number(moment.waiting);
  json.Key("arrivalsPerSecond").Number(moment.arrivals_per_s);
  json.Key("quiet").Bool(moment.load_ended);
  AddEstimate(json, "leftMs", moment.left_ms);
  json.Key("processors").BeginArray();
  for (const forward::Reasons& it : routing.processors) AddProcessor(json, directory, it);
  json.EndArray().EndObject();
}

}  // namespace

std::string RoutingJson(const payments::ProcessorDirectory& directory, uint32_t instances,
                        const std::vector<std::optional<forward::Routing>>& workers) {
  std::string page;
  base::JsonWriter json(page);
  json.BeginObject().Key("instances").Number(instances).Key("workers").BeginArray();
  for (const auto& worker : workers) {
    if (worker) {
      AddWorker(json, directory, *worker);
    } else {
      json.Null();
    }
  }
  json.EndArray().EndObject();
  return page + "\n";
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

// The page /admin/routing: JSON that says for each worker and processor why it is or is not chosen.
//
// Thread: the health thread's. Each worker answers on its own thread. All together have 200 ms. A
// worker that does not answer in time, for example because of a slow disk, is null.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/gateway_context.h"
#include "app/worker_thread.h"
#include "tollgate/forward/explain.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::app {

// What the page says. `workers`: the answer of each; nothing: it did not answer in time.
std::string RoutingJson(const payments::ProcessorDirectory& directory, uint32_t instances,
                        const std::vector<std::optional<forward::Routing>>& workers);

std::string RoutingPage(const GatewayContext& context,
                        const std::vector<std::unique_ptr<WorkerThread>>& workers);

}  // namespace tollgate::app

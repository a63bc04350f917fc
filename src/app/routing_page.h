// The page /admin/routing: JSON that says for each worker and processor why it is or is not chosen.
//
// Thread: the health thread's. Each worker answers on its own thread. All together have 200 ms. A
// worker that does not answer in time, for example because of a slow disk, is null.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/gateway_context.h"
#include "app/worker_thread.h"

namespace tollgate::app {

std::string RoutingPage(const GatewayContext& context,
                        const std::vector<std::unique_ptr<WorkerThread>>& workers);

}  // namespace tollgate::app

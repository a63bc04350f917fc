// The page /admin/routing: for each worker and processor why it is or is not chosen, with the
// numbers, as JSON.
//
// Thread: the health thread's; each worker is asked on its own. All together they have 200 ms: one
// that does not answer in time (a disk holds it up, say) is null.
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

// What `tollgate` does with the payment tables and the books of one instance: run as the daemon,
// ask a running one, list what is pending, accept a loss.
//
// Thread: the main thread's.
#pragma once

#include "tollgate/config/config.h"

namespace tollgate::app {

// Runs the daemon until a signal; the exit code.
int RunGateway(const config::Config& config);
// 0 if the instance of this configuration is ready, for a container's HEALTHCHECK.
int CheckHealth(const config::Config& config);
// Lists what the tables in data_dir hold.
int ListPending(const config::Config& config, bool json);
// `tollgate books accept-loss`: the books lack payments, and people say that they are used as they
// are. 0 if that is said now, or nothing was lost.
int AcceptLoss(const config::Config& config);

}  // namespace tollgate::app

// What `tollgate` does beside running: asking the running instance, looking into tables,
// reconciling.
//
// Thread: the main thread's.
#pragma once

#include "tollgate/app/config.h"

namespace tollgate::app {

// Runs the daemon until a signal; the exit code.
int RunGateway(const Config& config);
// 0 if the instance of this configuration is ready, for a container's HEALTHCHECK.
int CheckHealth(const Config& config);
// Lists what the tables in data_dir hold.
int ListPending(const Config& config, bool json);
// Holds the books against the processors (reconcile.h, with its exit codes).
int Reconcile(const Config& config, const ReconcileOptions& options);

// `tollgate books accept-loss`: the books lack payments, and people say that they are used as they
// are. 0 if that is said now, or nothing was lost.
int AcceptLoss(const Config& config);

}  // namespace tollgate::app

// The command line of `tollgate reconcile`. Tokens come from a file or the environment, because
// other users can see flags with `ps`.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/config/environment.h"
#include "tollgate/config/reconcile_options.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::config {

struct ReconcileFlags {
  std::string from, to, min_age = "1m", patience = "30s", in_flight = "32";
  std::string tokens_file, ids_file;
  ReconcileOptions plain;  // the switches, and json_file
};

void AddReconcileFlags(CLI::App& command, ReconcileFlags& flags);

// Errors name the flag and the fix.
base::Result<ReconcileOptions> ReadReconcileFlags(
    const ReconcileFlags& flags, const Environment& environment,
    const std::vector<upstream::ProcessorOptions>& processors);

}  // namespace tollgate::config

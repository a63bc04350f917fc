// What `tollgate` is asked to do, and its settings: from flags, environment, a TOML file and
// defaults, in that order of strength.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/config/config.h"
#include "tollgate/config/environment.h"
#include "tollgate/config/reconcile_options.h"

namespace tollgate::config {

enum class Command {
  kRun,
  kHelp,
  kVersion,
  kCheckConfig,
  kHealth,
  kPending,
  kReconcile,
  kAcceptLoss
};

struct CommandLine {
  Command command = Command::kRun;
  Config config;
  bool json = false;           // of pending
  ReconcileOptions reconcile;  // of reconcile
  std::string text;            // of --help (also a command's), --version and --check-config
};

// The error names the setting, where its value came from, and the fix.
base::Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                           const Environment& environment);

}  // namespace tollgate::config

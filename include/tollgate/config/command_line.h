// The command of `tollgate` and its settings. Settings come from flags, environment, a TOML file
// and defaults. The first of these that has a value takes precedence.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/config/books_location.h"
#include "tollgate/config/config.h"
#include "tollgate/config/environment.h"
#include "tollgate/config/export_options.h"
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
  kAcceptLoss,
  kExport,
  kBackUp,
  kCopyBooks
};

struct CommandLine {
  Command command = Command::kRun;
  Config config;
  bool json = false;                 // of pending
  ReconcileOptions reconcile;        // of reconcile
  std::string backup_file;           // of books backup
  BooksLocation copy_from, copy_to;  // of books copy
  ExportOptions export_options;
  std::string text;  // of --help (also of a command), --version and --check-config
};

// The error names the setting, the source of its value, and the fix.
base::Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                           const Environment& environment);

}  // namespace tollgate::config

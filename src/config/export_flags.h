// The command line of `tollgate export`.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tollgate/base/result.h"
#include "tollgate/config/export_options.h"

namespace tollgate::config {

struct ExportFlags {
  std::string from, to, format = "csv", after;
};

void AddExportFlags(CLI::App& command, ExportFlags& flags);

// Errors name the flag and the fix.
base::Result<ExportOptions> ReadExportFlags(const ExportFlags& flags);

}  // namespace tollgate::config

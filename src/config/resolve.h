// What is left open by the settings is resolved here: processors, threads, memory, the folder of
// the tables. What is resolved is shown in the values as well.
//
// Thread: the main thread's, at start-up.
#pragma once

#include "config/config_file.h"
#include "config/values.h"
#include "tollgate/base/result.h"
#include "tollgate/config/config.h"

namespace tollgate::config {

// The two processors that have settings of their own, or those of the file: never some of each.
// Those without limits of their own get the general ones.
base::Status ResolveProcessors(Config& config, const Values& values, const ConfigFile& file);

// What the daemon needs beside them: data_dir, acceptors, workers, client_bytes_max. Makes the
// folder data_dir where it is given.
base::Status ResolveDaemon(Config& config, Values& values);

}  // namespace tollgate::config

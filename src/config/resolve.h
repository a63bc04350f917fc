// Resolves what the settings leave open: processors, threads, memory, the folder of the tables. The
// values show the results too.
//
// Thread: the main thread's, at start-up.
#pragma once

#include "config/config_file.h"
#include "config/values.h"
#include "tollgate/base/result.h"
#include "tollgate/config/config.h"

namespace tollgate::config {

// The processors are either the two with settings of their own or those of the file, never a mix. A
// processor without limits of its own gets the general ones.
base::Status ResolveProcessors(Config& config, const Values& values, const ConfigFile& file);

// Chooses where the books are if no setting says it, by configuration alone.
void ResolveBooks(Config& config, Values& values);
// For commands that need only the books, if these are in a file. It must be there.
base::Status ResolveBooksFile(Config& config, Values& values);
// The daemon's other values: data_dir, acceptors, workers, client_bytes_max. Creates the folder
// data_dir if it is set.
base::Status ResolveDaemon(Config& config, Values& values);

}  // namespace tollgate::config

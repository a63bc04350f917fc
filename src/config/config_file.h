// ConfigFile: the TOML file. It has any settings by name, and a list of processors.
//
// Thread: the main thread's, at start-up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tollgate/base/result.h"
#include "tollgate/upstream/processor_options.h"

namespace tollgate::config {

struct ConfigFile {
  std::string path;
  std::map<std::string, std::string> values;  // by setting, as text
  std::vector<upstream::ProcessorOptions> processors;
};

// Errors name the file, the line and the key. For an unknown key they suggest the nearest one.
base::Result<ConfigFile> ReadConfigFile(const std::string& path);

}  // namespace tollgate::config

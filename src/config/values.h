// Values: the text of every setting and its source.
//
// Thread: value types and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "config/config_file.h"
#include "config/settings.h"
#include "tollgate/base/result.h"
#include "tollgate/config/environment.h"

namespace tollgate::config {

// In order of precedence, the lowest first.
enum class Source : uint8_t { kDefault, kFile, kEnvironment, kFlag };

struct Value {
  std::string text;
  Source source = Source::kDefault;
  std::string origin;  // for people: "flag --data-dir", "environment DATA_DIR", "default"
  std::string note;    // for the log at start; empty: none
};
using Values = std::map<std::string, Value>;  // by setting

// Takes each setting's value from the source with the highest precedence. `flags` are texts by
// setting.
Values Merge(const std::map<std::string, std::string>& flags, const Environment& environment,
             const ConfigFile& file);

// Redis has two settings, redis_url and redis_socket. The one from the lower source is dropped. If
// both come from the same source, that is an error.
base::Status SettleRedis(Values& values);

// Builds the Config. The error names the setting, its value, its source and the fix.
base::Result<Config> ApplyValues(const Values& values);

// Every setting with its source, and every processor, without secrets. For --check-config.
std::string Describe(const Values& values, const Config& config);

}  // namespace tollgate::config

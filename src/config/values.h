// Values: the text of every setting and where it comes from.
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

// The stronger source stands behind the weaker one.
enum class Source : uint8_t { kDefault, kFile, kEnvironment, kFlag };

struct Value {
  std::string text;
  Source source = Source::kDefault;
  std::string origin;  // for people: "flag --data-dir", "environment DATA_DIR", "default"
  std::string note;    // for the log at start; empty: none
};
using Values = std::map<std::string, Value>;  // by setting

// Each setting's value from its strongest source. `flags` are the texts given as flags, by setting.
Values Merge(const std::map<std::string, std::string>& flags, const Environment& environment,
             const ConfigFile& file);

// Redis has two names, redis_url and redis_socket. The one from the weaker source is dropped; both
// from the same source contradict each other.
base::Status SettleRedis(Values& values);

// The settings as a Config. The error names the setting, its value, where that came from and the
// fix.
base::Result<Config> ApplyValues(const Values& values);

// Every setting with its source, and every processor; no secrets. For --check-config.
std::string Describe(const Values& values, const Config& config);

}  // namespace tollgate::config

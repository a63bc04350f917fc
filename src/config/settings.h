// The one table of settings: name, default, help, and how its text becomes part of Config. Flags,
// environment, file, --help and --check-config are all made from it.
//
// Thread: constants and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tollgate/config/config.h"

namespace tollgate::config {

struct Setting {
  const char* name;      // "data_dir"; the flag is --data-dir, the variable DATA_DIR
  const char* fallback;  // default, as text
  const char* help;
  bool is_switch = false;  // true or false; the flag alone means true
  bool is_secret = false;  // its value is not shown
  // Nothing if `text` is fine, else what is wrong with it.
  std::optional<std::string> (*apply)(Config& config, const std::string& text) = nullptr;
};

const std::vector<Setting>& Settings();

// The longest time-out of a processor: libcurl takes 32 bits of milliseconds.
inline constexpr int64_t kProcessorTimeoutMsMax = 24 * 3'600'000;

// A processor of which nothing is given yet: no fee, and the general time-outs and limits (0).
upstream::ProcessorOptions Unset();

std::string FlagOf(const Setting& setting);
std::string VariableOf(const Setting& setting);

// The one of `names` that `name` was most likely meant to be; empty if none is near.
std::string Nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace tollgate::config

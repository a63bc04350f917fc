// The one table of settings: name, default, help, and how its text becomes part of Config. Flags,
// environment, file, --help and --check-config are all made from it.
//
// Thread: constants and pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/parsers.h"
#include "tollgate/config/config.h"

namespace tollgate::config {

enum class SettingKind : uint8_t {
  kPlain,
  kSwitch,  // true or false; the flag alone means true
  kSecret,  // its value is not shown
};

struct Setting {
  const char* name;          // "data_dir"; the flag is --data-dir, the variable DATA_DIR
  const char* default_text;  // what applies where nothing is given
  const char* help;
  Apply<Config> apply;
  SettingKind kind = SettingKind::kPlain;
};

// In the order of --help, which is the order in which they are applied.
const std::vector<Setting>& Settings();

// The longest time-out of a processor: libcurl takes 32 bits of milliseconds.
inline constexpr std::chrono::hours kProcessorTimeoutMax{24};

// One whose limits and time-outs are the general ones (0).
upstream::ProcessorOptions ProcessorWithoutLimits();

std::string FlagOf(const Setting& setting);
std::string VariableOf(const Setting& setting);

// The one of `names` that `name` was most likely meant to be; empty if none is near.
std::string Nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace tollgate::config

// The one table of settings: name, default, help, and how its text becomes part of Config. Flags,
// environment, file, --help and --check-config are all made from it.
//
// Thread: constants and pure functions.
#pragma once

#include <array>
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

// "data_dir" as a flag, --data-dir, and as a variable, DATA_DIR.
std::string FlagName(std::string_view name);
std::string VariableName(std::string_view name);

// A setting's name before `name`. It is still taken, with a note in the log; the present name goes
// first where one source gives both.
struct FormerName {
  const char* former;
  const char* name;
};
inline constexpr std::array<FormerName, 3> kFormerNames{{
    {"dedup_horizon", "dedup_window"},
    {"horizon", "cutoff"},
    {"gather", "linger"},
}};
// Null: it has none.
const char* FormerNameOf(std::string_view name);

// The one of `names` that `name` was most likely meant to be; empty if none is near.
std::string Nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace tollgate::config

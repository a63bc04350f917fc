// The one table of settings: name, default, help, and how the text is applied to Config. Flags,
// environment, file, --help and --check-config are all derived from it.
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
  kSwitch,  // true or false; the flag without a value means true
  kSecret,  // its value is not shown
};

struct Setting {
  const char* name;          // "data_dir"; the flag is --data-dir, the variable DATA_DIR
  const char* default_text;  // the value if no source has one
  const char* help;
  Apply<Config> apply;
  SettingKind kind = SettingKind::kPlain;
};

// In the order of --help. Settings are applied in this order.
const std::vector<Setting>& Settings();

// The longest time-out of a processor, because libcurl has 32 bits for milliseconds.
inline constexpr std::chrono::hours kProcessorTimeoutMax{24};

// A processor whose limits and time-outs are 0, so it gets the general ones.
upstream::ProcessorOptions ProcessorWithoutLimits();

// "data_dir" as a flag, --data-dir, and as a variable, DATA_DIR.
std::string FlagName(std::string_view name);
std::string VariableName(std::string_view name);

// A former name of a setting. It is still accepted, with a note in the log. If one source has both
// names, the present one takes precedence.
struct FormerName {
  const char* former;
  const char* name;
};
inline constexpr std::array<FormerName, 3> kFormerNames{{
    {"dedup_horizon", "dedup_window"},
    {"horizon", "cutoff"},
    {"gather", "linger"},
}};
// The former name of a setting. Null if it has none.
const char* FormerNameOf(std::string_view name);

// The nearest of `names`. Empty if none is near.
std::string Nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace tollgate::config
